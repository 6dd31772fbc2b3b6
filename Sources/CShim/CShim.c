#define _GNU_SOURCE
#include <sys/wait.h>
#include "CShim.h"

#include <fcntl.h>
#include <unistd.h>

int poddump_pipe_cloexec(int descriptors[2]) {
#ifdef __linux__
  return pipe2(descriptors, O_CLOEXEC);
#else
  if (pipe(descriptors) != 0) return -1;
  for (int i = 0; i < 2; i++) fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

int poddump_set_pipe_size(int descriptor, int bytes) {
#ifdef F_SETPIPE_SZ
  return fcntl(descriptor, F_SETPIPE_SZ, bytes);
#else
  (void)descriptor;
  (void)bytes;
  return -1;
#endif
}

int poddump_peek_child(int pid, int *status) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return -1;
  if (info.si_pid == 0) return 0;
  *status = info.si_status;
  return info.si_code == CLD_EXITED ? 1 : 2;
}
