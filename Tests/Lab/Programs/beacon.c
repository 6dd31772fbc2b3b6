/* beacon IPV4 PORT TEXT: sends TEXT by UDP ten times a second: traffic that is easily told from any other. */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char **argv) {
  if (argc != 4) errx(2, "usage: beacon IPV4 PORT TEXT");
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) errx(2, "not an IPv4 address: %s", argv[1]);
  int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (;;) {
    sendto(sender, argv[3], strlen(argv[3]), 0, (struct sockaddr *)&target, sizeof target);
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
  }
}
