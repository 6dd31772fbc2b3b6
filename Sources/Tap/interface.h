// Network interfaces and their addresses, asked of the kernel by rtnetlink(7).
#ifndef TAP_INTERFACE_H
#define TAP_INTERFACE_H

#include "kernel.h"

enum {
  INTERFACE_NAME = 16,    // IFNAMSIZ
  INTERFACE_ADDRESS = 32, // MAX_ADDR_LEN
  /// The most interfaces looked at; a node with some hundred pods has two or three times as many.
  INTERFACES_MOST = 1024,
};

struct interface {
  int index;
  /// The interface at its other end or below it (IFLA_LINK, iflink in sysfs); its own where there is none.
  int link;
  /// ARPHRD_… (linux/if_arp.h).
  unsigned short hardware;
  bool is_up, is_loopback;
  unsigned char address_length;
  uint8_t address[INTERFACE_ADDRESS];
  char name[INTERFACE_NAME];
};

/// An address of an interface: 4 or 16 bytes.
struct address {
  int index;
  unsigned char family, prefix;
  uint8_t bytes[16];
};

/// Lists the interfaces of this network namespace. Returns their number or -errno.
int interfaces_list(struct interface *list, int most);

/// Calls `each` for every IPv4 and IPv6 address here. Returns 0 or -errno.
int addresses_each(void (*each)(const struct address *address, void *context), void *context);

/// The link type of an interface's packets: 1 Ethernet (loopback too), 101 raw IP, 0 for one that the
/// tap cannot capture on.
unsigned interface_link_type(const struct interface *interface);

/// What libpcap calls a link type: "EN10MB (Ethernet)".
const char *link_type_text(unsigned link_type);

/// Whether this namespace has an interface of that index.
bool interface_exists(int index);

#endif
