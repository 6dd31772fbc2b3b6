/*
 * dns NAME=IPV4 ...: an authoritative DNS server (RFC 1035) on UDP port 53 for the names given, all under ".lab".
 * A query for another name gets NXDOMAIN, one for another type an empty answer, nonsense no answer.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { header_size = 12, type_a = 1, class_in = 1, ttl_seconds = 5 };

static void leave(int number) {
  (void)number;
  _exit(0);
}

/* Reads the question's name as dotted text; returns the offset behind it, or 0 if it is not a plain name. */
static size_t read_name(const uint8_t *packet, size_t length, char name[256]) {
  size_t at = header_size, used = 0;
  while (at < length && packet[at] != 0) {
    size_t label = packet[at++];
    if (label > 63 || at + label > length || used + label + 2 > 256) return 0;
    if (used) name[used++] = '.';
    memcpy(name + used, packet + at, label);
    used += label;
    at += label;
  }
  name[used] = 0;
  return at < length ? at + 1 : 0;
}

static int find(char **table, const char *name, struct in_addr *address) {
  size_t length = strlen(name);
  for (; *table; table++)
    if (strncasecmp(*table, name, length) == 0 && (*table)[length] == '=')
      return inet_pton(AF_INET, *table + length + 1, address) == 1;
  return 0;
}

/* Turns the query in `packet` into its reply, in place; returns the reply's length, 0 for none. */
static size_t reply(uint8_t *packet, size_t length, char **table) {
  char name[256];
  struct in_addr address;
  if (length < header_size || packet[2] & 0x80 || packet[4] != 0 || packet[5] != 1) return 0;
  size_t end = read_name(packet, length, name);
  if (end == 0 || end + 4 > length) return 0;
  int type = packet[end] << 8 | packet[end + 1], class = packet[end + 2] << 8 | packet[end + 3];
  end += 4;
  int known = find(table, name, &address), answers = known && type == type_a && class == class_in;

  packet[2] = (uint8_t)(0x84 | (packet[2] & 0x01)); /* response, authoritative, recursion desired as asked */
  packet[3] = known ? 0 : 3;                        /* NOERROR or NXDOMAIN */
  packet[6] = 0, packet[7] = (uint8_t)answers;
  memset(packet + 8, 0, 4);
  if (answers) {
    const uint8_t record[12] = {0xc0, header_size, 0, type_a, 0, class_in, 0, 0, 0, ttl_seconds, 0, 4};
    memcpy(packet + end, record, sizeof record);
    memcpy(packet + end + sizeof record, &address, 4);
    end += sizeof record + 4;
  }
  return end;
}

int main(int argc, char **argv) {
  (void)argc;
  signal(SIGCHLD, SIG_IGN);
  signal(SIGTERM, leave);
  int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(53)};
  if (bind(server, (struct sockaddr *)&here, sizeof here) != 0) err(1, "port 53");
  for (;;) {
    uint8_t packet[512 + 64];
    struct sockaddr_in asker;
    socklen_t size = sizeof asker;
    ssize_t length = recvfrom(server, packet, 512, 0, (struct sockaddr *)&asker, &size);
    size_t answer = length > 0 ? reply(packet, (size_t)length, argv + 1) : 0;
    if (answer) sendto(server, packet, answer, 0, (struct sockaddr *)&asker, size);
  }
}
