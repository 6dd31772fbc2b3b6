// Packet filters: classic BPF programs, compiled elsewhere and attached to a socket here.
#ifndef TAP_PROGRAM_H
#define TAP_PROGRAM_H

#include <linux/filter.h>

#include "kernel.h"

/// Instructions put before every program, see program_for_socket.
enum { PROGRAM_PROLOGUE = 3 };

/// A program and the link type that it was compiled for (a DLT number of pcap/dlt.h, with both of raw
/// IP's as LINKTYPE_RAW).
struct program {
  unsigned link_type;
  unsigned short count;
  struct sock_filter instructions[BPF_MAXINSNS - PROGRAM_PROLOGUE];
};

/// Reads `LINKTYPE:N,code jt jf k,…`: after the colon what `tcpdump -ddd` prints, with commas for its ends
/// of line, as iptables' xt_bpf takes it. Only the form is checked; the kernel checks the program.
///
/// @return NULL, or what is wrong with it.
const char *program_read(const char *text, struct program *program);

/// Makes the program for one socket.
///
/// Its prologue drops what a loopback interface shows a second time (once sent, once received), as
/// libpcap does in its own loop; here no copy is made of it. Its returns are cut to `snap_length`, since
/// a compiled filter has one of its own. The jumps of classic BPF are relative: nothing else changes.
///
/// @param filter The filter, or NULL for all packets.
/// @param is_loopback Whether outgoing packets are to be left out.
/// @param instructions Room for BPF_MAXINSNS.
/// @return The number of instructions.
unsigned short program_for_socket(
    const struct program *filter, bool is_loopback, uint32_t snap_length,
    struct sock_filter *instructions);

/// LINKTYPE_RAW (101) for all numbers that raw IP has as a DLT (12, 14), any other unchanged.
unsigned link_type_of_dlt(unsigned dlt);

#endif
