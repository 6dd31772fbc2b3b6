#include "options.h"

#include "text.h"

const char usage_text[] =
    "usage: tap -i INTERFACE [-i INTERFACE ...] [OPTION ...] -w -\n"
    "       tap --facts [DIRECTORY ...]\n"
    "       tap --version | --help\n"
    "\n"
    "  -i, --interface NAME    an interface, or any: every one that is up\n"
    "  -s, --snapshot-length N bytes kept of a packet (262144)\n"
    "  -c, --count N           end after N packets\n"
    "  --size BYTES            end before more than BYTES are written\n"
    "  --ttl SECONDS           end after SECONDS\n"
    "  --silence SECONDS       end when standard input says nothing for SECONDS\n"
    "  --format pcapng|pcap    what is written (pcapng)\n"
    "  --filter DLT:PROGRAM    a filter for a link type, as tcpdump -ddd prints it, with commas\n"
    "  -B, --buffer KIB        memory for packets (an eighth of the memory limit, at most 32 MiB)\n"
    "  --block-timeout MS      hand packets on after MS at the latest (10)\n"
    "  --netns PATH            capture in that network namespace\n"
    "  --unlink                remove the tap's own file first\n"
    "  -w -                    write to standard output, the only place\n";

/// What an option is called, and whether a value follows.
struct option {
  char letter;
  bool has_value;
  const char *name;
};

enum {
  INTERFACE, SNAP, COUNT, SIZE, TTL, SILENCE, FORMAT, FILTER, BUFFER, TIMEOUT, NETNS, UNLINK, OUTPUT,
  FACTS, VERSION, HELP, OPTION_COUNT
};

static const struct option known[OPTION_COUNT] = {
    [INTERFACE] = {'i', true, "interface"},
    [SNAP] = {'s', true, "snapshot-length"},
    [COUNT] = {'c', true, "count"},
    [SIZE] = {0, true, "size"},
    [TTL] = {0, true, "ttl"},
    [SILENCE] = {0, true, "silence"},
    [FORMAT] = {0, true, "format"},
    [FILTER] = {0, true, "filter"},
    [BUFFER] = {'B', true, "buffer"},
    [TIMEOUT] = {0, true, "block-timeout"},
    [NETNS] = {0, true, "netns"},
    [UNLINK] = {0, false, "unlink"},
    [OUTPUT] = {'w', true, "write"},
    [FACTS] = {0, false, "facts"},
    [VERSION] = {0, false, "version"},
    [HELP] = {'h', false, "help"},
};

/// Finds what a word asks for. `*value` is what is in the word itself: --name=VALUE, -nVALUE.
static int find(const char *word, const char **value) {
  *value = NULL;
  if (word[0] != '-' || !word[1]) return -1;
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (word[1] != '-') {
      if (word[1] != known[i].letter) continue;
      if (word[2]) *value = word + 2;
      return i;
    }
    if (!text_starts(word + 2, known[i].name)) continue;
    const char *rest = word + 2 + text_length(known[i].name);
    if (*rest == '=') *value = rest + 1;
    if (!*rest || *rest == '=') return i;
  }
  return -1;
}

static bool read_whole(const char *text, uint64_t limit, uint64_t *number) {
  return read_number(&text, limit, number) && !*text;
}

/// A name that the kernel would take (dev_valid_name in net/core/dev.c), and not like an option.
static bool is_interface_name(const char *name) {
  size_t length = text_length(name);
  if (length == 0 || length > 15 || name[0] == '-') return false;
  if (text_equal(name, ".") || text_equal(name, "..")) return false;
  for (; *name; name++) {
    if (*name <= 0x20 || *name >= 0x7f || *name == '/' || *name == ':') return false;
  }
  return true;
}

/// Takes one option. Returns what is wrong with its value, or NULL.
static const char *take_option(struct options *options, int option, const char *value) {
  uint64_t number = 0;
  // Limits that no sum or product of ours can overflow.
  const uint64_t seconds = 1000000000, bytes = UINT64_MAX / 4;
  switch (option) {
    case INTERFACE:
      if (!is_interface_name(value)) return "not the name of an interface";
      if (options->interface_count == OPTIONS_INTERFACES) return "too many interfaces";
      options->interfaces[options->interface_count++] = value;
      return NULL;
    case SNAP:
      if (!read_whole(value, SNAP_LENGTH, &number)) return "not a number up to 262144";
      options->snap_length = number ? (uint32_t)number : SNAP_LENGTH;
      return NULL;
    case COUNT: return read_whole(value, bytes, &options->count) ? NULL : "not a number";
    case SIZE: return read_whole(value, bytes, &options->size) ? NULL : "not a number of bytes";
    case TTL: return read_whole(value, seconds, &options->ttl) ? NULL : "not a number of seconds";
    case SILENCE:
      return read_whole(value, seconds, &options->silence) ? NULL : "not a number of seconds";
    case FORMAT:
      options->is_pcap = text_equal(value, "pcap");
      return options->is_pcap || text_equal(value, "pcapng") ? NULL : "neither pcapng nor pcap";
    case FILTER: {
      if (options->filter_count == OPTIONS_FILTERS) return "too many filters";
      struct program *next = &options->filters[options->filter_count];
      const char *wrong = program_read(value, next);
      if (wrong) return wrong;
      for (unsigned i = 0; i < options->filter_count; i++) {
        if (options->filters[i].link_type == next->link_type) return "a second one for its link type";
      }
      options->filter_count++;
      return NULL;
    }
    case BUFFER:
      return read_whole(value, 1 << 20, &options->buffer) ? NULL : "not a number of KiB up to 1048576";
    case TIMEOUT:
      if (!read_whole(value, 10000, &number) || number == 0) return "not a number from 1 to 10000";
      options->block_timeout = (uint32_t)number;
      return NULL;
    case NETNS: options->netns = value; return *value ? NULL : "empty";
    case UNLINK: options->unlinks_itself = true; return NULL;
    case OUTPUT: return text_equal(value, "-") ? NULL : "only - is possible";
    case FACTS: options->mode = MODE_FACTS; return NULL;
    case VERSION: options->mode = MODE_VERSION; return NULL;
    default: options->mode = MODE_HELP; return NULL;
  }
}

static bool usage(const char *word, const char *wrong) {
  complain(word, wrong);
  complain(NULL, "see tap --help");
  return false;
}

bool options_read(struct options *options, int count, char **words) {
  options->snap_length = SNAP_LENGTH;
  options->block_timeout = 10;
  bool writes = false;
  // Asked for behind a mistake it is still asked for.
  for (int i = 1; i < count; i++) {
    if (text_equal(words[i], "--unlink")) options->unlinks_itself = true;
  }
  for (int i = 1; i < count; i++) {
    const char *word = words[i], *value;
    int option = find(word, &value);
    if (option < 0 && options->mode == MODE_FACTS && word[0] != '-') {
      if (options->directory_count == OPTIONS_DIRECTORIES) return usage(word, "too many directories");
      options->directories[options->directory_count++] = word;
      continue;
    }
    if (option < 0) return usage(word, "not an option of the tap");
    if (!known[option].has_value && value) return usage(word, "takes no value");
    if (known[option].has_value && !value) {
      if (++i == count) return usage(word, "needs a value");
      value = words[i];
    }
    const char *wrong = take_option(options, option, value);
    if (wrong) return usage(word, wrong);
    writes |= option == OUTPUT;
  }
  if (options->mode != MODE_CAPTURE) return true;
  if (options->interface_count == 0) return usage(NULL, "there is no -i");
  if (!writes) return usage(NULL, "there is no -w -");
  return true;
}
