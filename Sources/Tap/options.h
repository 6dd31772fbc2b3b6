// The command line.
#ifndef TAP_OPTIONS_H
#define TAP_OPTIONS_H

#include "kernel.h"
#include "program.h"

enum {
  OPTIONS_INTERFACES = 64,
  OPTIONS_FILTERS = 4,
  OPTIONS_DIRECTORIES = 64,
  /// The greatest snap length, that of tcpdump and Wireshark (MAXIMUM_SNAPLEN).
  SNAP_LENGTH = 262144,
};

enum mode { MODE_CAPTURE, MODE_FACTS, MODE_VERSION, MODE_HELP };

struct options {
  enum mode mode;
  const char *interfaces[OPTIONS_INTERFACES];
  unsigned interface_count;
  const char *directories[OPTIONS_DIRECTORIES];
  unsigned directory_count;
  struct program filters[OPTIONS_FILTERS];
  unsigned filter_count;
  uint32_t snap_length;
  /// Limits, each 0 for none: packets, bytes, seconds, seconds without a byte on standard input.
  uint64_t count, size, ttl, silence;
  /// Memory for packets in KiB, 0 for what suits the memory limit.
  uint64_t buffer;
  /// Milliseconds after which the kernel hands over a block that is not full.
  uint32_t block_timeout;
  bool is_pcap;
  bool unlinks_itself;
  const char *netns;
};

/// Reads the words after the program's name. Complains where they are wrong.
///
/// @return Whether they are right. `unlinks_itself` is set even if they are not.
bool options_read(struct options *options, int count, char **words);

extern const char usage_text[];

#endif
