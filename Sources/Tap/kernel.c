#include "kernel.h"

#include <linux/mman.h>
#include <linux/time.h>

enum { AT_HERE = -100 };  // AT_FDCWD

void *kernel_map(size_t length, int file) {
  long flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  long access = PROT_READ | PROT_WRITE;
#if defined(__s390x__)
  // The one architecture here whose mmap takes its arguments in memory.
  unsigned long arguments[6] = {0, length, access, flags, file, 0};
  long result = KERNEL_1(__NR_mmap, arguments);
#elif defined(__NR_mmap2)
  long result = KERNEL_6(__NR_mmap2, 0, length, access, flags, file, 0);
#else
  long result = KERNEL_6(__NR_mmap, 0, length, access, flags, file, 0);
#endif
  // Addresses are negative too on 32 bits: only the last page is no address but an error.
  return (unsigned long)result >= -4095ul ? NULL : (void *)result;
}

int kernel_open(const char *path, int flags) {
  return (int)KERNEL_4(__NR_openat, AT_HERE, path, flags | O_CLOEXEC, 0);
}

long kernel_read_file(const char *path, char *text, size_t size) {
  text[0] = 0;
  int file = kernel_open(path, O_RDONLY);
  if (file < 0) return file;
  size_t length = 0;
  while (length < size - 1) {
    long count = KERNEL_3(__NR_read, file, text + length, size - 1 - length);
    if (count == -EINTR) continue;
    if (count <= 0) break;
    length += (size_t)count;
  }
  text[length] = 0;
  KERNEL_1(__NR_close, file);
  return (long)length;
}

int64_t kernel_milliseconds(void) {
  struct kernel_timespec now = {0, 0};
  KERNEL_2(__NR_clock_gettime, CLOCK_MONOTONIC, &now);
  return (int64_t)now.seconds * 1000 + now.nanoseconds / 1000000;
}

uint64_t kernel_wall_clock(void) {
  struct kernel_timespec now = {0, 0};
  KERNEL_2(__NR_clock_gettime, CLOCK_REALTIME, &now);
  // A machine word of 32 bits lasts until 2106 if it has no sign.
  return (uint64_t)(unsigned long)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

_Noreturn void kernel_exit(int status) {
  for (;;) KERNEL_1(__NR_exit_group, status);
}
