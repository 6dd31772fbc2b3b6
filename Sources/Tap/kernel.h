// The Linux kernel as the tap sees it: system calls by number, and the few constants that the kernel's
// own headers (linux/*.h, asm/*.h) leave to the C library.
//
// The tap is linked without a C library. It needs some thirty system calls and no other function of
// one; so a binary is a twentieth of what it would be with glibc, and there is no allocator, no locale,
// no stream and no configuration file in it. Structures come from the kernel's headers, whose layout is
// the kernel's by definition.
#ifndef TAP_KERNEL_H
#define TAP_KERNEL_H

#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/unistd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Calls the kernel (syscall(2), but with -errno as the result of a failure).
long kernel_call(
    long number, long first, long second, long third, long fourth, long fifth, long sixth);

#define KERNEL_6(n, a, b, c, d, e, f) \
  kernel_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define KERNEL_5(n, a, b, c, d, e) KERNEL_6(n, a, b, c, d, e, 0)
#define KERNEL_4(n, a, b, c, d) KERNEL_6(n, a, b, c, d, 0, 0)
#define KERNEL_3(n, a, b, c) KERNEL_6(n, a, b, c, 0, 0, 0)
#define KERNEL_2(n, a, b) KERNEL_6(n, a, b, 0, 0, 0, 0)
#define KERNEL_1(n, a) KERNEL_6(n, a, 0, 0, 0, 0, 0)
#define KERNEL_0(n) KERNEL_6(n, 0, 0, 0, 0, 0, 0)

/// Maps `length` bytes, readable and writable, shared with `file` or, where that is -1, private and
/// zeroed (mmap(2)). Returns NULL where the kernel refuses.
void *kernel_map(size_t length, int file);

/// Opens a file for reading (openat(2)). Returns its descriptor or -errno.
int kernel_open(const char *path, int flags);

/// Reads a whole small file as text. Returns its length, cut at `size` - 1, or -errno; `text` is always
/// terminated.
long kernel_read_file(const char *path, char *text, size_t size);

/// Milliseconds of a clock that never goes back (clock_gettime(2), CLOCK_MONOTONIC).
int64_t kernel_milliseconds(void);

/// Nanoseconds since 1970-01-01 00:00 UTC (CLOCK_REALTIME).
uint64_t kernel_wall_clock(void);

/// Ends the process at once (exit_group(2)).
_Noreturn void kernel_exit(int status);

/// What __NR_ppoll and __NR_clock_gettime take on every architecture: two words of the machine.
struct kernel_timespec {
  long seconds;
  long nanoseconds;
};

/// struct iovec (readv(2)), struct pollfd (poll(2)).
struct kernel_iovec {
  void *base;
  size_t length;
};
struct kernel_pollfd {
  int descriptor;
  short events;
  short revents;
};

// Of bits/socket.h, the same on all architectures here (include/linux/socket.h in the kernel).
enum { AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, AF_PACKET = 17 };
enum { SOCK_RAW = 3, SOL_PACKET = 263, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000 };
enum { SOCK_CLOEXEC = O_CLOEXEC };

// Of asm-generic/poll.h.
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32 };

// Of asm-generic/signal.h.
enum { SIGHUP = 1, SIGINT = 2, SIGPIPE = 13, SIGTERM = 15 };

// Functions that the compiler itself calls.
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);

#endif
