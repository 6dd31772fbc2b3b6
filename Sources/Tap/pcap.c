#include "pcap.h"

#include <linux/utsname.h>

#include "text.h"

static uint8_t *put(uint8_t *to, const void *from, size_t count) {
  memcpy(to, from, count);
  return to + count;
}
static uint8_t *put16(uint8_t *to, uint16_t value) { return put(to, &value, sizeof value); }
static uint8_t *put32(uint8_t *to, uint32_t value) { return put(to, &value, sizeof value); }

// --- pcap

size_t pcap_file_header(uint8_t *to, unsigned link_type, uint32_t snap_length) {
  uint8_t *at = put32(to, 0xa1b23c4d);  // nanoseconds
  at = put16(put16(at, 2), 4);
  at = put32(put32(at, 0), 0);
  at = put32(put32(at, snap_length), link_type);
  return (size_t)(at - to);
}

void pcap_packet_header(uint8_t *to, const struct packet *packet) {
  uint32_t words[4] = {packet->seconds, packet->nanoseconds, packet->captured, packet->original};
  memcpy(to, words, sizeof words);
}

// --- pcapng

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, STATISTICS = 5, PACKET = 6 };
enum { END = 0 };
enum { SHB_HARDWARE = 2, SHB_OS = 3, SHB_USERAPPL = 4 };
enum { IF_NAME = 2, IF_MACADDR = 6, IF_TSRESOL = 9, IF_OS = 12 };
enum {
  ISB_STARTTIME = 2, ISB_ENDTIME = 3, ISB_IFRECV = 4, ISB_IFDROP = 5, ISB_FILTERACCEPT = 6,
  ISB_OSDROP = 7, ISB_USRDELIV = 8
};

static uint8_t *option(uint8_t *at, uint16_t code, const void *value, size_t length) {
  at = put(put16(put16(at, code), (uint16_t)length), value, length);
  while (length++ % 4) *at++ = 0;
  return at;
}

static uint8_t *option_text(uint8_t *at, uint16_t code, const char *text) {
  return option(at, code, text, text_length(text));
}

/// Two words, the upper first, in whatever byte order.
static uint8_t *option_time(uint8_t *at, uint16_t code, uint64_t time) {
  uint32_t words[2] = {(uint32_t)(time >> 32), (uint32_t)time};
  return option(at, code, words, sizeof words);
}

static uint8_t *option_count(uint8_t *at, uint16_t code, uint64_t count) {
  return option(at, code, &count, sizeof count);
}

static uint8_t *begin(uint8_t *to, uint32_t type) { return put32(put32(to, type), 0); }

/// Ends options and block, whose length stands before and behind.
static size_t finish(uint8_t *to, uint8_t *at) {
  at = put16(put16(at, END), 0);
  uint32_t length = (uint32_t)(at - to) + 4;
  put32(to + 4, length);
  put32(at, length);
  return length;
}

/// "Linux 6.1.0", cut to what the room for a block allows.
static const char *system_name(void) {
  static struct text line;
  if (line.length == 0) {
    struct new_utsname name = {0};
    KERNEL_1(__NR_uname, &name);
    text_add_printable(&line, name.sysname);
    text_add(&line, " ");
    text_add_printable(&line, name.release);
    if (line.length > 100) line.length = 100;
    line.bytes[line.length] = 0;
  }
  return line.bytes;
}

size_t pcapng_section(uint8_t *to) {
  struct new_utsname name = {0};
  KERNEL_1(__NR_uname, &name);
  uint8_t *at = begin(to, SECTION);
  at = put16(put16(put32(at, 0x1a2b3c4d), 1), 0);
  uint64_t unknown_length = UINT64_MAX;
  at = put(at, &unknown_length, sizeof unknown_length);
  at = option_text(at, SHB_HARDWARE, name.machine);
  at = option_text(at, SHB_OS, system_name());
  at = option_text(at, SHB_USERAPPL, "poddump tap " TAP_VERSION);
  return finish(to, at);
}

size_t pcapng_interface(uint8_t *to, const struct interface *interface, uint32_t snap_length) {
  uint8_t *at = begin(to, INTERFACE);
  at = put16(put16(at, (uint16_t)interface_link_type(interface)), 0);
  at = put32(at, snap_length);
  at = option_text(at, IF_NAME, interface->name);
  if (interface_link_type(interface) == 1 && interface->address_length == 6) {
    at = option(at, IF_MACADDR, interface->address, 6);
  }
  uint8_t nanoseconds = 9;
  at = option(at, IF_TSRESOL, &nanoseconds, 1);
  at = option_text(at, IF_OS, system_name());
  return finish(to, at);
}

void pcapng_packet_header(uint8_t *to, uint32_t interface, const struct packet *packet) {
  uint64_t time = (uint64_t)packet->seconds * 1000000000 + packet->nanoseconds;
  uint32_t padded = (packet->captured + 3) & ~3u;
  uint32_t words[7] = {
      PACKET, PCAPNG_PACKET_HEADER + padded + 4, interface, (uint32_t)(time >> 32), (uint32_t)time,
      packet->captured, packet->original};
  memcpy(to, words, sizeof words);
}

size_t pcapng_packet_trailer(uint8_t *to, uint32_t captured) {
  uint32_t padding = -captured & 3, zero = 0;
  memcpy(to, &zero, padding);
  put32(to + padding, PCAPNG_PACKET_HEADER + captured + padding + 4);
  return padding + 4;
}

size_t pcapng_statistics(uint8_t *to, uint32_t interface, const struct statistics *statistics) {
  uint8_t *at = put32(begin(to, STATISTICS), interface);
  at = put32(put32(at, (uint32_t)(statistics->now >> 32)), (uint32_t)statistics->now);
  at = option_time(at, ISB_STARTTIME, statistics->begin);
  at = option_time(at, ISB_ENDTIME, statistics->now);
  at = option_count(at, ISB_IFRECV, statistics->received);
  // The kernel's drops once more as the interface's: dumpcap does so, and Wireshark shows only these.
  at = option_count(at, ISB_IFDROP, statistics->dropped);
  at = option_count(at, ISB_FILTERACCEPT, statistics->received);
  at = option_count(at, ISB_OSDROP, statistics->dropped);
  at = option_count(at, ISB_USRDELIV, statistics->delivered);
  return finish(to, at);
}
