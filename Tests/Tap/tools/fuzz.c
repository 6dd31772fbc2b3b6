// Feeds the command line's parser with words that are nearly right, and checks what it makes of them.
//
//   fuzz SEED ROUNDS
//
// Built with sanitizers: a read behind a word or a write behind an array ends it. A filter that was taken
// must be, written out again, what was given.
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../Sources/Tap/options.h"
#include "../../../Sources/Tap/text.h"

static uint64_t state;
static uint32_t next(uint32_t below) {  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)(state * 2685821657736338717ull >> 32) % below;
}

static const char *const numbers[] = {
    "0", "1", "2", "6", "12", "21", "40", "255", "256", "4093", "4094", "4096", "65535", "65536",
    "262144", "262145", "4294967295", "4294967296", "18446744073709551615", "18446744073709551616",
    "99999999999999999999999999", "-1", "", "0x10", "007", " 1", "1 ", "1e9"};
static const char *const plain[] = {
    "-i", "-s", "-c", "-w", "-B", "-", "--", "", "any", "eth0", "lo", "--count", "--size", "--ttl",
    "--silence", "--format", "--filter", "--block-timeout", "--netns", "--unlink", "--facts", "--version",
    "--help", "--interface", "pcap", "pcapng", "--count=", "--filter=1:1,6 0 0 1", "-c5", "-ieth0",
    "-abcdefghijklmnopq", "--unlink=yes", "--facts=x", "/tmp", "eth0/../x", "a b", "-i-w", "\x01\x7f\xff"};

static const char *pick(const char *const *list, size_t count) { return list[next((uint32_t)count)]; }
#define PICK(list) pick(list, sizeof list / sizeof *list)

/// A word in a block of exactly its size, so that one byte too far is found.
static char *own(const char *text, size_t length) {
  char *word = malloc(length + 1);
  memcpy(word, text, length);
  word[length] = 0;
  return word;
}

static char *copy(const char *text) { return own(text, strlen(text)); }

static char *make_filter(void) {
  static char text[200000];
  size_t length = 0;
  unsigned count = next(8) ? next(12) : next(4200);
  length += (size_t)sprintf(text, "%s:%u", next(4) ? "1" : PICK(numbers), next(8) ? count : next(5000));
  for (unsigned i = 0; i < count; i++) {
    length += (size_t)sprintf(
        text + length, ",%u %u %u %u", next(300), next(next(9) ? 256 : 300), next(256), next(1u << 31) * 2);
  }
  if (next(3) == 0) text[length++] = ',';
  // Cut, changed, doubled.
  if (next(4) == 0) length = next((uint32_t)length + 1);
  for (unsigned i = next(4); next(2) && i > 0 && length > 0; i--) {
    text[next((uint32_t)length)] = ",: 0123456789x"[next(14)];
  }
  return own(text, length);
}

static int has_zero_in_front(const char *text) {
  for (; text[0]; text++) {
    if (strchr(":, ", text[0]) && text[1] == '0' && text[2] >= '0' && text[2] <= '9') return 1;
  }
  return 0;
}

static void check_filter(const char *word) {
  static struct program program;
  static char again[200000];
  if (program_read(word, &program)) return;
  char *at = again;
  const char *colon = strchr(word, ':');
  if (program.count == 0 || program.count > BPF_MAXINSNS - PROGRAM_PROLOGUE) abort();
  at += sprintf(at, ":%u", program.count);
  for (unsigned i = 0; i < program.count; i++) {
    struct sock_filter f = program.instructions[i];
    at += sprintf(at, ",%u %u %u %u", f.code, f.jt, f.jf, f.k);
  }
  size_t length = strlen(colon);
  if (length && colon[length - 1] == ',') length--;
  // Zeros in front are the one thing that does not come back.
  if (!has_zero_in_front(colon) && (length != (size_t)(at - again) || memcmp(again, colon, length))) abort();
  static struct sock_filter socket_program[BPF_MAXINSNS];
  unsigned count = program_for_socket(&program, next(2), 68, socket_program);
  if (count > BPF_MAXINSNS || count < program.count) abort();
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  state = strtoull(argv[1], NULL, 10) * 2 + 1;
  long rounds = atol(argv[2]), taken = 0, filters = 0;
  if (!freopen("/dev/null", "w", stderr)) return 1;
  static struct options options;
  static struct program scratch;
  for (long round = 0; round < rounds; round++) {
    char *words[12];
    int count = 1 + (int)next(11);
    for (int i = 0; i < count; i++) {
      switch (next(6)) {
        case 0: words[i] = copy(PICK(numbers)); break;
        case 1: words[i] = make_filter(); break;
        default: words[i] = copy(PICK(plain)); break;
      }
      if (strchr(words[i], ':')) {
        check_filter(words[i]);
        filters += program_read(words[i], &scratch) == NULL;
      }
    }
    memset(&options, 0, offsetof(struct options, filters));
    options.filter_count = 0;
    if (options_read(&options, count, words)) {
      taken++;
      if (options.interface_count > OPTIONS_INTERFACES || options.filter_count > OPTIONS_FILTERS ||
          options.directory_count > OPTIONS_DIRECTORIES || options.snap_length > SNAP_LENGTH ||
          options.snap_length == 0 || options.block_timeout == 0) {
        abort();
      }
    }
    for (int i = 0; i < count; i++) free(words[i]);
  }
  printf("%ld rounds, %ld command lines and %ld filters taken\n", rounds, taken, filters);
  // One that takes nothing tests nothing.
  return taken > 0 && filters > 0 ? 0 : 1;
}
