// From the kernel's blocks to the output's bytes: the loop that every packet goes through.
#ifndef TAP_PACKETS_H
#define TAP_PACKETS_H

#include "outbox.h"
#include "ring.h"

/// How packets are written, and how many more.
struct packets {
  bool is_pcap;
  uint32_t snap_length;
  /// Packets that may still be written, and bytes in all; UINT64_MAX for no limit.
  uint64_t count_left, size_limit;
};

/// Writes a block's packets to `outbox`, which has room for as many bytes as the block has: what the
/// kernel notes of a packet (82 bytes before an Ethernet packet's first) is more than what we write.
///
/// @param interface The number of the ring's interface block.
/// @return False when a limit was reached.
bool packets_write(
    struct packets *packets, struct ring *ring, uint32_t interface,
    const struct tpacket_block_desc *block, struct outbox *outbox);

#endif
