// Sends Ethernet frames out of an interface as fast as it goes, or at a rate.
//
//   generate INTERFACE COUNT SIZE [PACKETS_PER_SECOND [TPID TCI]]
//
// A rate of 0 is as fast as it goes. With TPID and TCI, in hexadecimal, each has a VLAN tag.
// Each is UDP over IPv4 from 198.51.100.2 to 198.51.100.1 port 9, with its number in the payload; the
// sums are not computed. Prints what it sent, and at which rate.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  enum { batch = 64, longest = 65536 };
  if (argc < 4) return 2;
  long count = atol(argv[2]), size = atol(argv[3]), rate = argc > 4 ? atol(argv[4]) : 0;
  unsigned tpid = argc > 6 ? strtoul(argv[5], NULL, 16) : 0;
  unsigned tci = argc > 6 ? strtoul(argv[6], NULL, 16) : 0, tag = tpid ? 4 : 0;
  if (size < 50 || size > longest) return 2;
  int s = socket(AF_PACKET, SOCK_RAW, 0);
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1])};
  if (s < 0 || to.sll_ifindex == 0 || bind(s, (void *)&to, sizeof to) < 0) {
    perror(argv[1]);
    return 1;
  }
  int on = 1, buffer = 4 << 20;
  setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  setsockopt(s, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);

  unsigned char *frames = calloc(batch, size);
  struct iovec parts[batch];
  struct mmsghdr messages[batch] = {0};
  for (int i = 0; i < batch; i++) {
    unsigned char *f = frames + i * size;
    memset(f, 0xff, 6);
    memcpy(f + 6, "\x02\0\0\0\0\x02", 6);
    if (tag) f[12] = tpid >> 8, f[13] = tpid, f[14] = tci >> 8, f[15] = tci;
    f += tag;
    f[12] = 8;
    unsigned ip = size - tag - 14, udp = ip - 20;
    memcpy(f + 14, "\x45\0\0\0\0\0\x40\0\x40\x11\0\0\xc6\x33\x64\x02\xc6\x33\x64\x01", 20);
    f[16] = ip >> 8, f[17] = ip;
    memcpy(f + 34, "\x30\x39\0\x09\0\0\0\0", 8);
    f[38] = udp >> 8, f[39] = udp;
    parts[i] = (struct iovec){frames + i * size, size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  double start = now();
  for (long sent = 0; sent < count;) {
    int most = rate > 0 && rate < 20000 ? 1 : batch;
    if (most > count - sent) most = count - sent;
    for (int i = 0; i < most; i++) {
      unsigned number = htonl(sent + i);
      memcpy(frames + i * size + tag + 42, &number, 4);
    }
    if (rate > 0) {
      double wait = start + (double)sent / rate - now();
      if (wait > 0) {
        struct timespec t = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
        nanosleep(&t, NULL);
      }
    }
    int done = sendmmsg(s, messages, most, 0);
    if (done > 0) sent += done;
  }
  double seconds = now() - start;
  printf("%ld packets, %.0f/s\n", count, count / seconds);
}
