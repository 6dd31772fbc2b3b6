// The two file formats: pcap (draft-ietf-opsawg-pcap, with nanoseconds) and pcapng
// (draft-ietf-opsawg-pcapng). Numbers are in this machine's byte order, as both formats allow.
//
// Every function writes at `to` and returns the number of bytes written.
#ifndef TAP_PCAP_H
#define TAP_PCAP_H

#include "interface.h"
#include "kernel.h"

/// What one packet is, besides its bytes.
struct packet {
  uint32_t seconds, nanoseconds;
  /// Bytes that are kept, and that the packet had.
  uint32_t captured, original;
};

/// Room for the longest header, section, interface or statistics block.
enum { PCAP_BLOCK_MOST = 512 };

/// What comes before a packet's bytes.
enum { PCAP_PACKET_HEADER = 16, PCAPNG_PACKET_HEADER = 28 };

size_t pcap_file_header(uint8_t *to, unsigned link_type, uint32_t snap_length);
void pcap_packet_header(uint8_t *to, const struct packet *packet);

size_t pcapng_section(uint8_t *to);
size_t pcapng_interface(uint8_t *to, const struct interface *interface, uint32_t snap_length);

/// Writes what comes before a packet's bytes.
void pcapng_packet_header(uint8_t *to, uint32_t interface, const struct packet *packet);
/// Writes what comes behind them: at most 7 bytes.
size_t pcapng_packet_trailer(uint8_t *to, uint32_t captured);

/// Counters of an interface since the capture began.
struct statistics {
  uint64_t begin, now;  // nanoseconds since 1970
  uint64_t received, dropped, delivered;
};
size_t pcapng_statistics(uint8_t *to, uint32_t interface, const struct statistics *statistics);

#endif
