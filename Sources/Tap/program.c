#include "program.h"

#include <linux/if_packet.h>

#include "text.h"

unsigned link_type_of_dlt(unsigned dlt) { return dlt == 12 || dlt == 14 ? 101 : dlt; }

static bool take(const char **at, char wanted) {
  if (**at != wanted) return false;
  (*at)++;
  return true;
}

const char *program_read(const char *text, struct program *program) {
  uint64_t link_type, count;
  if (!read_number(&text, UINT16_MAX, &link_type) || !take(&text, ':')) {
    return "it does not begin with a link type's number and a colon";
  }
  enum { most = sizeof program->instructions / sizeof *program->instructions };
  if (!read_number(&text, most, &count) || count == 0) {
    return "the number of instructions is missing, zero or too great";
  }
  for (uint64_t i = 0; i < count; i++) {
    uint64_t code, jt, jf, k;
    bool is_whole = take(&text, ',') && read_number(&text, UINT16_MAX, &code) && take(&text, ' ') &&
                    read_number(&text, UINT8_MAX, &jt) && take(&text, ' ') &&
                    read_number(&text, UINT8_MAX, &jf) && take(&text, ' ') &&
                    read_number(&text, UINT32_MAX, &k);
    if (!is_whole) return "an instruction is not four numbers, or they are too few";
    program->instructions[i] = (struct sock_filter){
        .code = (uint16_t)code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = (uint32_t)k};
  }
  take(&text, ',');
  if (*text) return "something stands behind the last instruction";
  program->link_type = link_type_of_dlt((unsigned)link_type);
  program->count = (unsigned short)count;
  return NULL;
}

unsigned short program_for_socket(
    const struct program *filter, bool is_loopback, uint32_t snap_length,
    struct sock_filter *instructions) {
  unsigned short count = 0;
  if (is_loopback) {
    instructions[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE);
    instructions[count++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1);
    instructions[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  }
  if (!filter) {
    instructions[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, snap_length);
    return count;
  }
  for (unsigned short i = 0; i < filter->count; i++) {
    struct sock_filter next = filter->instructions[i];
    if (next.code == (BPF_RET | BPF_K) && next.k > snap_length) next.k = snap_length;
    instructions[count++] = next;
  }
  return count;
}
