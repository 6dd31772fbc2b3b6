#include "facts.h"

#include <asm/statfs.h>
#include <linux/utsname.h>

#include "interface.h"
#include "memory.h"
#include "sha256.h"
#include "text.h"

enum { here = -100, writable = 2, searchable = 1 };  // AT_FDCWD, W_OK, X_OK
enum { READ_ONLY = 1, NO_EXEC = 8 };                 // ST_RDONLY, ST_NOEXEC

static void say(const char *name, const char *value) {
  struct text line = {0};
  text_add(&line, name);
  text_add(&line, "=");
  text_add_printable(&line, value);
  text_add(&line, "\n");
  text_write(1, &line);
}

static void say_number(const char *name, uint64_t value) {
  struct text line = {0};
  text_add(&line, name);
  text_add(&line, "=");
  text_add_number(&line, value);
  text_add(&line, "\n");
  text_write(1, &line);
}

/// The lines of /proc/self/status that tell what may be done (proc_pid_status(5)).
static void say_capabilities(void) {
  static char status[8192];
  static const char *const names[] = {"CapEff:", "CapBnd:", "NoNewPrivs:"};
  kernel_read_file("/proc/self/status", status, sizeof status);
  for (char *line = status; *line;) {
    char *end = line;
    while (*end && *end != '\n') end++;
    char *next = *end ? end + 1 : end;
    *end = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
      if (!text_starts(line, names[i])) continue;
      const char *value = line + text_length(names[i]);
      while (*value == ' ' || *value == '\t') value++;
      say(names[i], value);
    }
    line = next;
  }
}

static struct interface interfaces[INTERFACES_MOST];
static int interface_count;

static void say_interfaces(void) {
  interface_count = interfaces_list(interfaces, INTERFACES_MOST);
  for (int i = 0; i < interface_count; i++) say("if", interfaces[i].name);
  for (int i = 0; i < interface_count; i++) {
    const struct interface *interface = &interfaces[i];
    struct text line = {0};
    text_add(&line, "link=");
    text_add_number(&line, (uint64_t)interface->index);
    text_add(&line, " ");
    text_add_printable(&line, interface->name);
    text_add(&line, " ");
    text_add_number(&line, (uint64_t)interface->link);
    text_add(&line, " ");
    text_add_hex(&line, interface->address, interface->address_length, ":");
    if (interface->address_length == 0) text_add(&line, "-");
    text_add(&line, " ");
    // Raw IP by the number that libpcap compiles filters for, DLT_RAW; in files it is 101.
    unsigned link_type = interface_link_type(interface);
    if (link_type == 0) {
      text_add(&line, "-");
    } else {
      text_add_number(&line, link_type == 101 ? 12 : link_type);
    }
    text_add(&line, "\n");
    text_write(1, &line);
  }
}

static void add_ipv4(struct text *line, const uint8_t *bytes) {
  for (unsigned i = 0; i < 4; i++) {
    if (i > 0) text_add(line, ".");
    text_add_number(line, bytes[i]);
  }
}

/// RFC 5952: the longest run of two zero groups or more becomes "::", the first one of equals.
static void add_ipv6(struct text *line, const uint8_t *bytes) {
  uint16_t groups[8];
  for (unsigned i = 0; i < 8; i++) groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  unsigned best = 8, best_length = 1;
  for (unsigned i = 0; i < 8; i++) {
    unsigned length = 0;
    while (i + length < 8 && groups[i + length] == 0) length++;
    if (length > best_length) best = i, best_length = length;
  }
  for (unsigned i = 0; i < 8; i++) {
    if (i == best) {
      text_add(line, "::");
      i += best_length - 1;
      continue;
    }
    if (i > 0 && i != best + best_length) text_add(line, ":");
    static const char digits[] = "0123456789abcdef";
    bool is_begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      unsigned digit = groups[i] >> shift & 15;
      is_begun |= digit > 0 || shift == 0;
      if (is_begun) text_add_bytes(line, &digits[digit], 1);
    }
  }
}

static void say_address(const struct address *address, void *context) {
  (void)context;
  for (int i = 0; i < interface_count; i++) {
    if (interfaces[i].index != address->index) continue;
    struct text line = {0};
    text_add(&line, "address=");
    text_add_printable(&line, interfaces[i].name);
    text_add(&line, " ");
    if (address->family == AF_INET) {
      add_ipv4(&line, address->bytes);
    } else {
      add_ipv6(&line, address->bytes);
    }
    text_add(&line, "/");
    text_add_number(&line, address->prefix);
    text_add(&line, "\n");
    text_write(1, &line);
  }
}

/// Whether a file put there could be started from there.
static bool is_usable(const char *directory) {
#if defined(__NR_statfs64)
  struct statfs64 system = {0};
  long result = KERNEL_3(__NR_statfs64, directory, sizeof system, &system);
#else
  struct statfs system = {0};
  long result = KERNEL_2(__NR_statfs, directory, &system);
#endif
  if (result < 0 || system.f_flags & (READ_ONLY | NO_EXEC)) return false;
  return KERNEL_3(__NR_faccessat, here, directory, writable | searchable) == 0;
}

static void say_directory(const char *directory) {
  // One that is printed must be the one that is meant.
  for (const char *c = directory; *c; c++) {
    if (*c < 0x20 || *c >= 0x7f) return;
  }
  // With a name in it a regular file is none.
  struct text path = {0};
  text_add(&path, directory);
  text_add(&path, "/.");
  if (path.length >= sizeof path.bytes) return;
  path.bytes[path.length] = 0;
  if (is_usable(path.bytes)) say("dir", directory);
}

static const char *variable(char **environment, const char *name) {
  for (; *environment; environment++) {
    if (!text_starts(*environment, name)) continue;
    const char *value = *environment + text_length(name);
    if (*value == '=' && value[1]) return value + 1;
  }
  return NULL;
}

static void say_directories(const struct options *options, char **environment) {
  static const char *const usual[] = {"/tmp", "/var/tmp", "/run", "/dev/shm", "/"};
  static char current[4096];
  for (unsigned i = 0; i < options->directory_count; i++) say_directory(options->directories[i]);
  if (options->directory_count > 0) return;
  const char *temporary = variable(environment, "TMPDIR");
  if (temporary && temporary[0] == '/') say_directory(temporary);
  for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (!temporary || !text_equal(usual[i], temporary)) say_directory(usual[i]);
  }
  // "(unreachable)…" has no slash at its beginning.
  long length = KERNEL_2(__NR_getcwd, current, sizeof current);
  if (length <= 0 || current[0] != '/') return;
  for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (text_equal(usual[i], current)) return;
  }
  if (!temporary || !text_equal(current, temporary)) say_directory(current);
}

static void say_checksum(void) {
  int file = kernel_open("/proc/self/exe", O_RDONLY);
  if (file < 0) return;
  static uint8_t bytes[16384];
  struct sha256 hash;
  sha256_begin(&hash);
  long count;
  while ((count = KERNEL_3(__NR_read, file, bytes, sizeof bytes)) > 0 || count == -EINTR) {
    if (count > 0) sha256_add(&hash, bytes, (size_t)count);
  }
  KERNEL_1(__NR_close, file);
  if (count < 0) return;
  uint8_t digest[32];
  sha256_end(&hash, digest);
  struct text line = {0};
  text_add(&line, "sha256=");
  text_add_hex(&line, digest, sizeof digest, "");
  text_add(&line, "\n");
  text_write(1, &line);
}

int facts_print(const struct options *options, char **environment) {
  struct new_utsname name = {0};
  say_number("uid", (uint64_t)KERNEL_0(__NR_geteuid));
  say_capabilities();
  say_interfaces();
  if (KERNEL_1(__NR_uname, &name) == 0) say("machine", name.machine);
  addresses_each(say_address, NULL);
  say_directories(options, environment);
  uint64_t limit = memory_limit();
  if (limit > 0) say_number("memory", limit);
  say_checksum();
  say("version", "tap " TAP_VERSION);
  say("end", "");
  return 0;
}
