#include "privileges.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "text.h"

enum { here = -100 };  // AT_FDCWD

void unlink_itself(void) {
  static char path[4096];
  long length = KERNEL_4(__NR_readlinkat, here, "/proc/self/exe", path, sizeof path - 1);
  if (length > 0) {
    path[length] = 0;
    length = KERNEL_3(__NR_unlinkat, here, path, 0);
  }
  // Nobody there to be removed is as good.
  if (length < 0 && length != -ENOENT) {
    complain_error("--unlink", "Cannot remove the tap's file", "unlink", length);
  }
}

bool enter_network(const char *path) {
  int file = kernel_open(path, O_RDONLY);
  if (file < 0) {
    complain_error(path, "Cannot open the network namespace", "open", file);
    return false;
  }
  long result = KERNEL_2(__NR_setns, file, CLONE_NEWNET);
  KERNEL_1(__NR_close, file);
  if (result < 0) complain_error(path, "Cannot enter the network namespace", "setns", result);
  return result == 0;
}

// There is no PR_SET_PDEATHSIG: it is about the thread that started us, not the process, and a runtime
// written in Go ends threads whenever it likes. The end of standard input tells the same, and rightly.
void drop_capabilities(void) {
  KERNEL_5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Needs CAP_SETPCAP, which a container mostly has; ends with EINVAL behind the last one there is.
  for (long i = 0; i < 64; i++) {
    if (KERNEL_5(__NR_prctl, PR_CAPBSET_DROP, i, 0, 0, 0) < 0) break;
  }
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
  KERNEL_2(__NR_capset, &header, none);
  KERNEL_5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
