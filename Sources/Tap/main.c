#include "main.h"

#include <linux/fcntl.h>

#include "capture.h"
#include "facts.h"
#include "options.h"
#include "privileges.h"
#include "text.h"

static void say(const char *words) {
  struct text line = {0};
  text_add(&line, words);
  text_write(1, &line);
}

/// A standard descriptor that was handed over closed would become the first one that is opened: packets
/// could be written into a socket of ours. Each such is made a pipe whose other end is closed, which is
/// at its end for reading, and broken for writing.
static void fill_descriptors(void) {
  for (int descriptor = 0; descriptor < 3; descriptor++) {
    int ends[2];
    if (KERNEL_3(__NR_fcntl, descriptor, F_GETFD, 0) >= 0) continue;
    if (KERNEL_2(__NR_pipe2, ends, 0) < 0) return;  // the lower one is ours: it was free
    if (descriptor > 0) KERNEL_3(__NR_dup3, ends[1], descriptor, 0);
    KERNEL_1(__NR_close, ends[1]);
  }
}

int tap_main(int count, char **words, char **environment) {
  static struct options options;
  fill_descriptors();
  bool is_right = options_read(&options, count, words);
  // First, so that nothing that goes wrong later leaves it behind.
  if (options.unlinks_itself) unlink_itself();
  if (!is_right) return 2;
  switch (options.mode) {
    case MODE_VERSION: say("tap " TAP_VERSION "\n"); return 0;
    case MODE_HELP: say(usage_text); return 0;
    case MODE_FACTS: return facts_print(&options, environment);
    default: return capture(&options);
  }
}
