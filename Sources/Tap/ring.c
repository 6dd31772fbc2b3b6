#include "ring.h"

#include <asm/socket.h>
#include <linux/if_ether.h>

#include "text.h"

static long set(int socket, int level, int option, const void *value, size_t size) {
  return KERNEL_5(__NR_setsockopt, socket, level, option, value, size);
}

/// Asks for a ring, a smaller one if that is refused: memory in one piece may be short.
static long make_ring(struct ring *ring, uint64_t memory, uint32_t timeout) {
  enum { block_least = 32 << 10, blocks_least = 2 };
  long result = -ENOMEM;
  for (;; memory /= 2) {
    // A few blocks at least, so that one fills while another is fetched; and as great as a few allow,
    // since a packet can be as long as 64 KiB (offloads) and must fit into one.
    uint64_t block = RING_BLOCK_MOST;
    while (block > block_least && memory / block < 6) block /= 2;
    uint64_t count = memory / block;
    if (count < blocks_least) count = blocks_least;
    struct tpacket_req3 request = {
        .tp_block_size = (unsigned)block,
        .tp_block_nr = (unsigned)count,
        // Blocks are filled without gaps; this only has to fit.
        .tp_frame_size = 2048,
        .tp_frame_nr = (unsigned)(block / 2048 * count),
        .tp_retire_blk_tov = timeout,
    };
    result = set(ring->socket, SOL_PACKET, PACKET_RX_RING, &request, sizeof request);
    if (result == 0) {
      ring->block_size = request.tp_block_size;
      ring->block_count = request.tp_block_nr;
      ring->blocks = kernel_map((size_t)(block * count), ring->socket);
      if (ring->blocks) return 0;
      result = -ENOMEM;
      struct tpacket_req3 none = {0};
      set(ring->socket, SOL_PACKET, PACKET_RX_RING, &none, sizeof none);
    }
    if ((result != -ENOMEM && result != -EINVAL) || memory <= block_least * blocks_least) return result;
  }
}

static bool refuse(struct ring *ring, const char *what, const char *call, long error) {
  complain_error(ring->interface.name, what, call, error);
  ring_close(ring);
  return false;
}

bool ring_open(
    struct ring *ring, const struct interface *interface, const struct options *options,
    const struct program *filter, uint64_t memory, bool is_promiscuous) {
  *ring = (struct ring){.interface = *interface, .link_type = interface_link_type(interface)};
  // A socket of protocol 0 receives nothing before it is bound to one: no packet can slip in between
  // this and the filter, and nothing has to be drained.
  ring->socket = (int)KERNEL_3(__NR_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (ring->socket == -EPERM || ring->socket == -EACCES) {
    return refuse(ring, "You don't have permission to capture on that device", "socket", ring->socket);
  }
  if (ring->socket < 0) return refuse(ring, "Cannot open a packet socket", "socket", ring->socket);

  int version = TPACKET_V3;
  long result = set(ring->socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
  if (result < 0) {
    return refuse(ring, "The kernel has no TPACKET_V3", "setsockopt PACKET_VERSION", result);
  }

  static struct sock_filter instructions[BPF_MAXINSNS];
  struct sock_fprog program = {
      .len = program_for_socket(filter, interface->is_loopback, options->snap_length, instructions),
      .filter = instructions,
  };
  result = set(ring->socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  if (result < 0) {
    return refuse(ring, "The kernel refuses the filter", "setsockopt SO_ATTACH_FILTER", result);
  }
  int on = 1;
  // Kernels before 3.10 have no lock; the filter stands all the same.
  set(ring->socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);

  result = make_ring(ring, memory, options->block_timeout);
  if (result < 0) {
    return refuse(ring, "There is no memory for packets", "setsockopt PACKET_RX_RING", result);
  }

  if (is_promiscuous) {
    struct packet_mreq request = {.mr_ifindex = interface->index, .mr_type = PACKET_MR_PROMISC};
    set(ring->socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request);
  }
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = __builtin_bswap16(ETH_P_ALL),
      .sll_ifindex = interface->index,
  };
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  address.sll_protocol = ETH_P_ALL;
#endif
  result = KERNEL_3(__NR_bind, ring->socket, &address, sizeof address);
  if (result == -ENODEV) return refuse(ring, "No such device exists", "bind", result);
  if (result < 0) return refuse(ring, "Cannot be bound to", "bind", result);
  if (ring_error(ring) == ENETDOWN) return refuse(ring, "That device is not up", NULL, 0);
  return true;
}

struct tpacket_block_desc *ring_block(struct ring *ring) {
  if (ring->is_closed) return NULL;
  struct tpacket_block_desc *block = (void *)(ring->blocks + (size_t)ring->next * ring->block_size);
  uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
  return status & TP_STATUS_USER ? block : NULL;
}

void ring_release(struct ring *ring, struct tpacket_block_desc *block) {
  // For ring_has_open_block; the kernel sets it to 0 itself when it begins the block.
  block->hdr.bh1.num_pkts = 0;
  __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  ring->next = ring->next + 1 == ring->block_count ? 0 : ring->next + 1;
}

void ring_stop(struct ring *ring) {
  // The filter is locked, but the protocol is not: 0xffff is none that a packet has.
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = 0xffff, .sll_ifindex = ring->interface.index};
  if (!ring->is_closed) KERNEL_3(__NR_bind, ring->socket, &address, sizeof address);
}

bool ring_has_open_block(const struct ring *ring) {
  if (ring->is_closed) return false;
  const struct tpacket_block_desc *block =
      (const void *)(ring->blocks + (size_t)ring->next * ring->block_size);
  return __atomic_load_n(&block->hdr.bh1.num_pkts, __ATOMIC_RELAXED) > 0;
}

void ring_count(struct ring *ring) {
  struct tpacket_stats_v3 counters = {0};
  uint32_t size = sizeof counters;
  if (ring->is_closed) return;
  // Reading sets the kernel's own to zero.
  long result =
      KERNEL_5(__NR_getsockopt, ring->socket, SOL_PACKET, PACKET_STATISTICS, &counters, &size);
  if (result < 0) return;
  ring->received += counters.tp_packets;
  ring->dropped += counters.tp_drops;
}

int ring_error(struct ring *ring) {
  int error = 0;
  uint32_t size = sizeof error;
  KERNEL_5(__NR_getsockopt, ring->socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == ENETDOWN) ring->is_down = true;
  return error;
}

void ring_close(struct ring *ring) {
  if (ring->is_closed) return;
  ring_count(ring);
  if (ring->socket >= 0) KERNEL_1(__NR_close, ring->socket);
  ring->socket = -1;
  ring->is_closed = true;
}
