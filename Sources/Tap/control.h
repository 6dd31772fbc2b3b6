// What ends a capture or keeps it alive: standard input, signals and clocks.
#ifndef TAP_CONTROL_H
#define TAP_CONTROL_H

#include "kernel.h"

struct control {
  int signals;
  /// Times of kernel_milliseconds, INT64_MAX for never.
  int64_t ttl_end, silence_end;
  int64_t silence;
  /// Whether a heartbeat has come since this was last set to false: then counters are said as well.
  bool is_asked;
};

/// Starts the clocks and takes over SIGTERM, SIGINT, SIGHUP and SIGPIPE, also where they were ignored, as
/// a shell's background jobs are given SIGINT. 0 seconds is no limit. False where the kernel has no
/// signalfd(2).
bool control_open(struct control *control, uint64_t ttl, uint64_t silence);

/// Reads standard input once, which must be readable, and answers heartbeats.
///
/// @return False at its end.
bool control_listen(struct control *control);

/// Whether somebody reads standard error: waiting for that would hold up the packets.
bool control_is_heard(void);

/// When the next clock runs out.
int64_t control_deadline(const struct control *control);

#endif
