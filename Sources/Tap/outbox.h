// Standard output, and the bytes that wait for it.
#ifndef TAP_OUTBOX_H
#define TAP_OUTBOX_H

#include "kernel.h"

/// How a descriptor is written to without ever waiting in the write: nothing else could be done
/// meanwhile, and heartbeats would go unread.
enum outbox_way {
  /// A pipe, opened once more as ours alone, with O_NONBLOCK: that flag belongs to the open file, and set
  /// on the one we were given it would be set for all who share it (the shell, the runtime).
  OUTBOX_OWN,
  /// A socket: send(2) with MSG_DONTWAIT.
  OUTBOX_SOCKET,
  /// A regular file: its writes do not wait for anybody.
  OUTBOX_FILE,
  /// Anything else: poll(2) first, then no more than PIPE_BUF bytes, for which there is room then.
  OUTBOX_CAREFUL,
};

struct outbox {
  enum outbox_way way;
  uint8_t *bytes;
  /// Bytes from `begin` to `end` wait; there is room up to `size`.
  size_t begin, end, size;
  /// All bytes that were ever put in.
  uint64_t total;
};

/// Looks at standard output and makes room for `size` bytes, or fewer where there is no memory. False
/// where there is not even memory for `least`.
bool outbox_open(struct outbox *outbox, size_t size, size_t least);

/// A place for `count` bytes, or NULL as long as there is no room. Filled, it is taken by `outbox_put`.
uint8_t *outbox_room(struct outbox *outbox, size_t count);
void outbox_put(struct outbox *outbox, size_t count);

size_t outbox_waiting(const struct outbox *outbox);

/// Writes what can be written now. Returns 0, or -errno if the descriptor is broken.
long outbox_flush(struct outbox *outbox);

#endif
