#include "control.h"

#include "text.h"

bool control_open(struct control *control, uint64_t ttl, uint64_t silence) {
  int64_t now = kernel_milliseconds();
  *control = (struct control){.ttl_end = INT64_MAX, .silence_end = INT64_MAX};
  if (ttl > 0) control->ttl_end = now + (int64_t)ttl * 1000;
  if (silence > 0) {
    control->silence = (int64_t)silence * 1000;
    control->silence_end = now + control->silence;
  }
  // Sets of signals are 8 bytes for the kernel. The first signal, 1, is the lowest bit: of the lower
  // word, should words be of 32 bits and in the other order, which none of our machines has.
  uint64_t ends = (uint64_t)1 << (SIGHUP - 1) | (uint64_t)1 << (SIGINT - 1) | (uint64_t)1 << (SIGTERM - 1);
  uint64_t blocked = ends | (uint64_t)1 << (SIGPIPE - 1);
  KERNEL_4(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &blocked, NULL, sizeof blocked);
  control->signals = (int)KERNEL_4(__NR_signalfd4, -1, &ends, sizeof ends, O_CLOEXEC | O_NONBLOCK);
  return control->signals >= 0;
}

bool control_is_heard(void) {
  struct kernel_pollfd entry = {2, POLLOUT, 0};
  struct kernel_timespec now = {0, 0};
  return KERNEL_5(__NR_ppoll, &entry, 1, &now, NULL, 0) > 0;
}

/// Answers each heartbeat, unless nobody reads the answers.
static void answer(unsigned count) {
  struct text line = {0};
  // As many as fit; the client sends one in seconds.
  for (; count > 0 && line.length < sizeof line.bytes - 32; count--) text_add(&line, "poddump: alive\n");
  if (control_is_heard()) text_write(2, &line);
}

bool control_listen(struct control *control) {
  char bytes[512];
  long count = KERNEL_3(__NR_read, 0, bytes, sizeof bytes);
  if (count == -EINTR || count == -EAGAIN) return true;
  if (count <= 0) return false;
  unsigned newlines = 0;
  for (long i = 0; i < count; i++) newlines += bytes[i] == '\n';
  if (newlines > 0) {
    answer(newlines);
    control->is_asked = true;
  }
  if (control->silence > 0) control->silence_end = kernel_milliseconds() + control->silence;
  return true;
}

int64_t control_deadline(const struct control *control) {
  return control->ttl_end < control->silence_end ? control->ttl_end : control->silence_end;
}
