// Prints the last statistics block of a pcapng file (draft-ietf-opsawg-pcapng, 4.6) in this machine's byte order.
//
//   statistics FILE      received=N ifdrop=N accepted=N osdrop=N delivered=N, those that are there
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t word(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file) return 2;
  unsigned char head[8], *block = NULL, *last = NULL;
  uint32_t last_length = 0;
  while (fread(head, 1, 8, file) == 8) {
    uint32_t length = word(head + 4);
    if (length < 12 || length > 16 << 20) return 1;
    block = malloc(length);
    memcpy(block, head, 8);
    if (fread(block + 8, 1, length - 8, file) != length - 8) return 1;
    if (word(head) == 5) {
      free(last);
      last = block;
      last_length = length;
    } else {
      free(block);
    }
  }
  if (!last) return 1;
  static const char *const names[] = {NULL, NULL, NULL, NULL, "received", "ifdrop", "accepted", "osdrop", "delivered"};
  const char *separator = "";
  // The interface's number and the time come first, and the block's length stands behind the options.
  for (uint32_t at = 20; at + 4 <= last_length - 4;) {
    uint16_t code, length;
    memcpy(&code, last + at, 2);
    memcpy(&length, last + at + 2, 2);
    if (code == 0) break;
    if (code < sizeof names / sizeof *names && names[code] && length == 8) {
      uint64_t count;
      memcpy(&count, last + at + 4, 8);
      printf("%s%s=%llu", separator, names[code], (unsigned long long)count);
      separator = " ";
    }
    at += 4 + ((length + 3u) & ~3u);
  }
  printf("\n");
}
