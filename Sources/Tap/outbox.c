#include "outbox.h"

#include <asm/socket.h>
#include <linux/fcntl.h>

enum { output = 1, pipe_buffer = 4096, pipe_wanted = 1 << 20 };

static bool is_socket(void) {
  int type = 0;
  uint32_t size = sizeof type;
  return KERNEL_5(__NR_getsockopt, output, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/// Regular files cannot be waited for; epoll(7) says so by EPERM.
static bool is_file(void) {
  long queue = KERNEL_1(__NR_epoll_create1, O_CLOEXEC);
  if (queue < 0) return false;
  uint64_t event[2] = {POLLOUT, 0};  // struct epoll_event, packed or not
  long result = KERNEL_4(__NR_epoll_ctl, queue, 1 /* EPOLL_CTL_ADD */, output, event);
  KERNEL_1(__NR_close, queue);
  return result == -EPERM;
}

static enum outbox_way find_way(size_t size) {
  if (is_socket()) return OUTBOX_SOCKET;
  long capacity = KERNEL_3(__NR_fcntl, output, F_GETPIPE_SZ, 0);
  if (capacity < 0) return is_file() ? OUTBOX_FILE : OUTBOX_CAREFUL;
  // More room in the pipe, for fewer and greater writes; its memory is the reader's to drain.
  size_t wanted = size < pipe_wanted ? size : pipe_wanted;
  if ((size_t)capacity < wanted) KERNEL_3(__NR_fcntl, output, F_SETPIPE_SZ, wanted);
  int own = kernel_open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK);
  if (own < 0) return OUTBOX_CAREFUL;
  long result = KERNEL_3(__NR_dup3, own, output, 0);
  KERNEL_1(__NR_close, own);
  return result < 0 ? OUTBOX_CAREFUL : OUTBOX_OWN;
}

bool outbox_open(struct outbox *outbox, size_t size, size_t least) {
  *outbox = (struct outbox){0};
  for (;;) {
    outbox->bytes = kernel_map(size, -1);
    if (outbox->bytes) break;
    if (size == least) return false;
    size = size / 2 < least ? least : size / 2;
  }
  outbox->size = size;
  outbox->way = find_way(size / 4);
  return true;
}

uint8_t *outbox_room(struct outbox *outbox, size_t count) {
  if (outbox->size - outbox->end < count && outbox->begin > 0) {
    size_t waiting = outbox_waiting(outbox);
    if (outbox->size - waiting < count) return NULL;
    memmove(outbox->bytes, outbox->bytes + outbox->begin, waiting);
    outbox->begin = 0;
    outbox->end = waiting;
  }
  return outbox->size - outbox->end < count ? NULL : outbox->bytes + outbox->end;
}

void outbox_put(struct outbox *outbox, size_t count) {
  outbox->end += count;
  outbox->total += count;
}

size_t outbox_waiting(const struct outbox *outbox) { return outbox->end - outbox->begin; }

static bool can_write(void) {
  struct kernel_pollfd entry = {output, POLLOUT, 0};
  struct kernel_timespec now = {0, 0};
  // An error is told by the write.
  return KERNEL_5(__NR_ppoll, &entry, 1, &now, NULL, 0) > 0;
}

static long write_some(const struct outbox *outbox) {
  const uint8_t *bytes = outbox->bytes + outbox->begin;
  size_t count = outbox_waiting(outbox);
  if (outbox->way == OUTBOX_SOCKET) {
    return KERNEL_6(__NR_sendto, output, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
  }
  if (outbox->way == OUTBOX_CAREFUL) {
    if (!can_write()) return -EAGAIN;
    if (count > pipe_buffer) count = pipe_buffer;
  }
  return KERNEL_3(__NR_write, output, bytes, count);
}

long outbox_flush(struct outbox *outbox) {
  while (outbox->begin < outbox->end) {
    long count = write_some(outbox);
    if (count == -EINTR) continue;
    if (count == -EAGAIN || count == 0) return 0;
    if (count < 0) return count;
    outbox->begin += (size_t)count;
  }
  // From the front again: a buffer that is used over and over stays in the processor's cache.
  outbox->begin = outbox->end = 0;
  return 0;
}
