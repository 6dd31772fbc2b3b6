// A packet socket with its ring of blocks (packet(7), Documentation/networking/packet_mmap.rst).
#ifndef TAP_RING_H
#define TAP_RING_H

#include <linux/if_packet.h>

#include "interface.h"
#include "kernel.h"
#include "options.h"

struct ring {
  struct interface interface;
  unsigned link_type;
  int socket;
  /// The interface went down; it may come up again, or be gone.
  bool is_down;
  bool is_closed;

  uint8_t *blocks;
  uint32_t block_size, block_count, next;

  /// Counted by the kernel: packets that passed the filter, with those it then dropped.
  uint64_t received, dropped;
  /// Packets handed on.
  uint64_t delivered;
};

/// The greatest block, and so the most that one block can become in the output.
enum { RING_BLOCK_MOST = 256 << 10 };

/// Opens an interface: nothing is received before the filter stands, and the filter cannot be changed any
/// more. Complains where that fails.
///
/// @param filter The program for its link type, or NULL.
/// @param memory Bytes for the ring; it is halved as long as the kernel refuses.
bool ring_open(
    struct ring *ring, const struct interface *interface, const struct options *options,
    const struct program *filter, uint64_t memory, bool is_promiscuous);

/// The next block that the kernel has handed over, or NULL. It is ours until `ring_release`.
struct tpacket_block_desc *ring_block(struct ring *ring);
void ring_release(struct ring *ring, struct tpacket_block_desc *block);

/// Stops receiving. What has been received stays, to be fetched.
void ring_stop(struct ring *ring);

/// Whether the kernel is still filling a block that has packets.
bool ring_has_open_block(const struct ring *ring);

/// Brings `received` and `dropped` up to date.
void ring_count(struct ring *ring);

/// Takes note of an error that poll(2) has told. Returns the error, 0 for none.
int ring_error(struct ring *ring);

void ring_close(struct ring *ring);

#endif
