// Lines of text, numbers in them, and words that people wrote: what is left of a C library's stdio and
// string functions.
#ifndef TAP_TEXT_H
#define TAP_TEXT_H

#include "kernel.h"

/// A line being put together. What does not fit is left out.
struct text {
  size_t length;
  char bytes[2048];
};

size_t text_length(const char *word);
bool text_equal(const char *a, const char *b);
bool text_starts(const char *word, const char *prefix);

void text_add(struct text *text, const char *word);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_number(struct text *text, uint64_t number);
void text_add_hex(struct text *text, const uint8_t *bytes, size_t count, const char *separator);

/// Adds a word that comes from outside, with anything but printable ASCII replaced by `?`.
void text_add_printable(struct text *text, const char *word);

/// Writes a line to a descriptor, all of it or, at an error, what goes.
void text_write(int descriptor, const struct text *text);

/// Writes `tap: A: B` and the end of line to standard error. Either may be NULL.
void complain(const char *subject, const char *what);

/// The same with `(call: WORDS OF ERRNO)` on a line of its own, as tcpdump does.
void complain_error(const char *subject, const char *what, const char *call, long error);

/// The words of strerror(3) for the errors that can happen here; NULL for another.
const char *error_text(long error);

/// Reads an unsigned decimal number of at most `limit` and moves `*at` behind it. False, and nothing
/// moved, where there is none or a greater one.
bool read_number(const char **at, uint64_t limit, uint64_t *number);

#endif
