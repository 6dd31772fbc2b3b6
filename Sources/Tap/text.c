#include "text.h"

size_t text_length(const char *word) {
  size_t length = 0;
  while (word[length]) length++;
  return length;
}

bool text_equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

bool text_starts(const char *word, const char *prefix) {
  while (*prefix && *word == *prefix) word++, prefix++;
  return !*prefix;
}

void text_add_bytes(struct text *text, const char *bytes, size_t count) {
  for (size_t i = 0; i < count && text->length < sizeof text->bytes; i++) {
    text->bytes[text->length++] = bytes[i];
  }
}

void text_add(struct text *text, const char *word) {
  text_add_bytes(text, word, text_length(word));
}

void text_add_number(struct text *text, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_hex(struct text *text, const uint8_t *bytes, size_t count, const char *separator) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text_add(text, separator);
    char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    text_add_bytes(text, pair, 2);
  }
}

void text_add_printable(struct text *text, const char *word) {
  for (; *word; word++) {
    char byte = *word >= 0x20 && *word < 0x7f ? *word : '?';
    text_add_bytes(text, &byte, 1);
  }
}

void text_write(int descriptor, const struct text *text) {
  size_t done = 0;
  while (done < text->length) {
    long count = KERNEL_3(__NR_write, descriptor, text->bytes + done, text->length - done);
    if (count == -EINTR) continue;
    if (count <= 0) return;
    done += (size_t)count;
  }
}

void complain(const char *subject, const char *what) { complain_error(subject, what, NULL, 0); }

void complain_error(const char *subject, const char *what, const char *call, long error) {
  struct text line = {0};
  text_add(&line, "tap: ");
  if (subject) {
    text_add_printable(&line, subject);
    if (what) text_add(&line, ": ");
  }
  if (what) text_add(&line, what);
  if (call) {
    text_add(&line, "\n(");
    text_add(&line, call);
    text_add(&line, ": ");
    const char *words = error_text(error);
    if (words) {
      text_add(&line, words);
    } else {
      text_add(&line, "error ");
      text_add_number(&line, (uint64_t)(error < 0 ? -error : error));
    }
    text_add(&line, ")");
  }
  // What is too long is cut, its end of line is not.
  if (line.length == sizeof line.bytes) line.length--;
  text_add(&line, "\n");
  text_write(2, &line);
}

const char *error_text(long error) {
  switch (error < 0 ? -error : error) {
    case EPERM: return "Operation not permitted";
    case ENOENT: return "No such file or directory";
    case EIO: return "Input/output error";
    case EBADF: return "Bad file descriptor";
    case ENOMEM: return "Cannot allocate memory";
    case EACCES: return "Permission denied";
    case EBUSY: return "Device or resource busy";
    case ENODEV: return "No such device";
    case EINVAL: return "Invalid argument";
    case EMFILE: return "Too many open files";
    case EFBIG: return "File too large";
    case ENOSPC: return "No space left on device";
    case EROFS: return "Read-only file system";
    case EPIPE: return "Broken pipe";
    case ENOSYS: return "Function not implemented";
    case ENOPROTOOPT: return "Protocol not available";
    case EPROTONOSUPPORT: return "Protocol not supported";
    case EOPNOTSUPP: return "Operation not supported";
    case EAFNOSUPPORT: return "Address family not supported by protocol";
    case ENETDOWN: return "Network is down";
    case ENOBUFS: return "No buffer space available";
    case EDQUOT: return "Disk quota exceeded";
    default: return NULL;
  }
}

bool read_number(const char **at, uint64_t limit, uint64_t *number) {
  const char *digit = *at;
  uint64_t value = 0;
  if (*digit < '0' || *digit > '9') return false;
  for (; *digit >= '0' && *digit <= '9'; digit++) {
    unsigned next = (unsigned)(*digit - '0');
    if (value > (limit - next) / 10 || next > limit) return false;
    value = value * 10 + next;
  }
  *number = value;
  *at = digit;
  return true;
}
