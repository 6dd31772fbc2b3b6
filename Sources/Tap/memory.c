#include "memory.h"

#include "text.h"

/// Version 1 says a number near the greatest for "no limit".
static const uint64_t no_limit = (uint64_t)1 << 60;

static void consider(const char *base, const char *group, size_t length, const char *file, uint64_t *least) {
  char path[1024 + 128];
  size_t used = 0;
  if (length > 1024) return;
  for (const char *c = base; *c; c++) path[used++] = *c;
  for (size_t i = 0; i < length; i++) path[used++] = group[i];
  for (const char *c = file; *c; c++) path[used++] = *c;
  path[used] = 0;
  char answer[64];
  const char *at = answer;
  uint64_t limit;
  if (kernel_read_file(path, answer, sizeof answer) <= 0) return;
  if (!read_number(&at, UINT64_MAX, &limit) || limit >= no_limit) return;
  if (*least == 0 || limit < *least) *least = limit;
}

/// Looks at a group and all above it. Where the container's own group is mounted as the root, the path
/// that the process is told does not exist there, but its beginning, the empty one, does.
static void climb(const char *base, const char *group, size_t length, const char *file, uint64_t *least) {
  while (length > 0 && group[length - 1] == '/') length--;
  for (;;) {
    consider(base, group, length, file, least);
    if (length == 0) return;
    while (length > 0 && group[length - 1] != '/') length--;
    while (length > 0 && group[length - 1] == '/') length--;
  }
}

/// Whether "memory" is one of the names between commas up to the colon.
static bool names_memory(const char *names) {
  for (;;) {
    if (text_starts(names, "memory") && (names[6] == ',' || names[6] == ':')) return true;
    while (*names && *names != ',' && *names != ':' && *names != '\n') names++;
    if (*names != ',') return false;
    names++;
  }
}

uint64_t memory_limit(void) {
  static char groups[8192];
  uint64_t least = 0;
  kernel_read_file("/proc/self/cgroup", groups, sizeof groups);
  // Lines of ID:NAMES:PATH; version 2 has the ID 0 and no names.
  for (const char *line = groups; *line;) {
    const char *end = line;
    while (*end && *end != '\n') end++;
    const char *names = line;
    while (names < end && *names != ':') names++;
    if (names < end) names++;
    const char *path = names;
    while (path < end && *path != ':') path++;
    if (path < end) path++;
    size_t length = (size_t)(end - path);
    if (*names == ':') {
      climb("/sys/fs/cgroup", path, length, "/memory.max", &least);
    } else if (names_memory(names)) {
      climb("/sys/fs/cgroup/memory", path, length, "/memory.limit_in_bytes", &least);
    }
    line = *end ? end + 1 : end;
  }
  return least;
}

uint64_t memory_budget(void) {
  const uint64_t least = 1 << 20, most = 32 << 20;
  uint64_t limit = memory_limit();
  if (limit == 0 || limit / 8 > most) return most;
  return limit / 8 < least ? least : limit / 8;
}

void memory_yield(void) {
  int file = kernel_open("/proc/self/oom_score_adj", O_WRONLY);
  if (file < 0) return;
  KERNEL_3(__NR_write, file, "1000", 4);
  KERNEL_1(__NR_close, file);
}
