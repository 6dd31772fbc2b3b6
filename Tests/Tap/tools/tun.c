// Makes a TUN interface, whose packets begin with the IP header, and lets packets come in by it.
//
//   tun NAME COUNT        lets COUNT packets come in at each byte on standard input,
//                         and ends at its end
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
  int tun = open("/dev/net/tun", O_RDWR), s = socket(AF_INET, SOCK_DGRAM, 0);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0) {
    perror("tun");
    return 1;
  }
  request.ifr_flags = IFF_UP;
  if (ioctl(s, SIOCSIFFLAGS, &request) < 0) return 1;
  unsigned char packet[36] =
      "\x45\0\0\x24\0\0\x40\0\x40\x11\0\0\xc6\x33\x64\x02\xc6\x33\x64\x01\x30\x39\0\x09\0\x10\0\0payload";
  for (char byte; read(0, &byte, 1) == 1;) {
    for (int i = 0; i < atoi(argv[2]); i++) {
      if (write(tun, packet, sizeof packet) < 0) return 1;
    }
  }
}
