#include "packets.h"

#include <linux/if_ether.h>

#include "pcap.h"

enum { VLAN_TAG = 4, BEFORE_TAG = 2 * ETH_ALEN };

/// The tag that the kernel or the card has taken out of an Ethernet packet, as it was on the wire.
static bool has_tag(const struct tpacket3_hdr *header, uint8_t tag[VLAN_TAG]) {
  // Kernels before 3.0 said nothing of a tag but its value.
  if (!(header->tp_status & TP_STATUS_VLAN_VALID) && header->hv1.tp_vlan_tci == 0) return false;
  uint16_t type = header->tp_status & TP_STATUS_VLAN_TPID_VALID ? header->hv1.tp_vlan_tpid : ETH_P_8021Q;
  uint16_t value = (uint16_t)header->hv1.tp_vlan_tci;
  tag[0] = (uint8_t)(type >> 8);
  tag[1] = (uint8_t)type;
  tag[2] = (uint8_t)(value >> 8);
  tag[3] = (uint8_t)value;
  return true;
}

bool packets_write(
    struct packets *packets, struct ring *ring, uint32_t interface,
    const struct tpacket_block_desc *block, struct outbox *outbox) {
  const size_t header_size = packets->is_pcap ? PCAP_PACKET_HEADER : PCAPNG_PACKET_HEADER;
  const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
  const uint32_t count = block->hdr.bh1.num_pkts;
  uint8_t *const first = outbox_room(outbox, ring->block_size);
  uint8_t *to = first;
  uint32_t written = 0;

  for (uint32_t i = 0; i < count; i++) {
    const struct tpacket3_hdr *header = (const void *)at;
    const uint8_t *bytes = at + header->tp_mac;
    at += header->tp_next_offset;
    struct packet packet = {
        header->tp_sec, header->tp_nsec, header->tp_snaplen, header->tp_len};
    // The addresses and the tag; a short snap length may cut even those.
    uint8_t tagged[BEFORE_TAG + VLAN_TAG];
    bool is_tagged = ring->link_type == 1 && packet.captured >= BEFORE_TAG &&
                     has_tag(header, tagged + BEFORE_TAG);
    if (is_tagged) {
      packet.captured += VLAN_TAG;
      packet.original += VLAN_TAG;
    }
    if (packet.captured > packets->snap_length) packet.captured = packets->snap_length;

    uint8_t *next = to + header_size;
    if (is_tagged) {
      uint32_t head = packet.captured < sizeof tagged ? packet.captured : (uint32_t)sizeof tagged;
      memcpy(tagged, bytes, BEFORE_TAG);
      memcpy(next, tagged, head);
      memcpy(next + head, bytes + BEFORE_TAG, packet.captured - head);
    } else {
      memcpy(next, bytes, packet.captured);
    }
    next += packet.captured;
    if (packets->is_pcap) {
      pcap_packet_header(to, &packet);
    } else {
      pcapng_packet_header(to, interface, &packet);
      next += pcapng_packet_trailer(next, packet.captured);
    }
    if (outbox->total + (uint64_t)(next - first) > packets->size_limit) {
      packets->count_left = 0;  // for good: a smaller packet might still fit, and would be out of turn
      break;
    }
    to = next;
    written++;
    if (--packets->count_left == 0) break;
  }
  ring->delivered += written;
  outbox_put(outbox, (size_t)(to - first));
  return packets->count_left > 0;
}
