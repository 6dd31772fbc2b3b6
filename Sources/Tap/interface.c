#include "interface.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

// Of linux/if.h and linux/if_arp.h, which want a C library's headers.
enum { IS_UP = 1, IS_LOOPBACK = 8 };  // IFF_UP, IFF_LOOPBACK
enum {
  HARDWARE_ETHER = 1,
  HARDWARE_RAWIP = 519,
  HARDWARE_TUNNEL = 768,
  HARDWARE_TUNNEL6 = 769,
  HARDWARE_LOOPBACK = 772,
  HARDWARE_SIT = 776,
  HARDWARE_NONE = 0xfffe,
};

typedef void handler(const struct nlmsghdr *message, void *context);

/// Asks for all objects of a kind (RTM_GETLINK, RTM_GETADDR) and hands over each answer.
static int dump(unsigned short type, handler *each, void *context) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg body;
    struct rtattr attribute;
    uint32_t mask;
  } request = {
      .header = {.nlmsg_len = sizeof request,
                 .nlmsg_type = type,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      // Counters are half of an answer; nobody here reads them.
      .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = IFLA_EXT_MASK},
      .mask = RTEXT_FILTER_SKIP_STATS,
  };
  // Addresses have a shorter body, and no such attribute.
  if (type == RTM_GETADDR) request.header.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg));

  static uint64_t buffer[4096];  // 32 KiB, what the kernel fills at most
  int descriptor = (int)KERNEL_3(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) return descriptor;
  long result = KERNEL_6(__NR_sendto, descriptor, &request, request.header.nlmsg_len, 0, NULL, 0);
  bool is_done = result < 0;
  while (!is_done) {
    result = KERNEL_6(__NR_recvfrom, descriptor, buffer, sizeof buffer, 0, NULL, NULL);
    if (result == -EINTR) continue;
    if (result <= 0) break;
    int left = (int)result;
    for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
        if (message->nlmsg_type == NLMSG_ERROR) {
          result = ((struct nlmsgerr *)NLMSG_DATA(message))->error;
        }
        is_done = true;
        break;
      }
      each(message, context);
    }
  }
  KERNEL_1(__NR_close, descriptor);
  return result < 0 ? (int)result : 0;
}

struct list {
  struct interface *interfaces;
  int count, most;
};

static void take_link(const struct nlmsghdr *message, void *context) {
  struct list *list = context;
  if (message->nlmsg_type != RTM_NEWLINK || list->count == list->most) return;
  const struct ifinfomsg *body = NLMSG_DATA(message);
  struct interface *next = &list->interfaces[list->count++];
  *next = (struct interface){
      .index = body->ifi_index,
      .link = body->ifi_index,
      .hardware = body->ifi_type,
      .is_up = body->ifi_flags & IS_UP,
      .is_loopback = body->ifi_flags & IS_LOOPBACK,
  };
  int left = (int)IFLA_PAYLOAD(message);
  for (const struct rtattr *field = IFLA_RTA(body); RTA_OK(field, left);
       field = RTA_NEXT(field, left)) {
    size_t length = RTA_PAYLOAD(field);
    if (field->rta_type == IFLA_IFNAME) {
      if (length > sizeof next->name - 1) length = sizeof next->name - 1;
      memcpy(next->name, RTA_DATA(field), length);
    } else if (field->rta_type == IFLA_LINK && length >= sizeof(int)) {
      memcpy(&next->link, RTA_DATA(field), sizeof(int));
    } else if (field->rta_type == IFLA_ADDRESS) {
      if (length > sizeof next->address) length = sizeof next->address;
      memcpy(next->address, RTA_DATA(field), length);
      next->address_length = (unsigned char)length;
    }
  }
}

int interfaces_list(struct interface *list, int most) {
  struct list answer = {.interfaces = list, .most = most};
  int result = dump(RTM_GETLINK, take_link, &answer);
  return result < 0 ? result : answer.count;
}

struct listener {
  void (*each)(const struct address *address, void *context);
  void *context;
};

static void take_address(const struct nlmsghdr *message, void *context) {
  struct listener *listener = context;
  if (message->nlmsg_type != RTM_NEWADDR) return;
  const struct ifaddrmsg *body = NLMSG_DATA(message);
  size_t length = body->ifa_family == AF_INET ? 4 : body->ifa_family == AF_INET6 ? 16 : 0;
  if (length == 0) return;
  struct address address = {
      .index = (int)body->ifa_index, .family = body->ifa_family, .prefix = body->ifa_prefixlen};
  bool is_found = false;
  int left = (int)IFA_PAYLOAD(message);
  for (const struct rtattr *field = IFA_RTA(body); RTA_OK(field, left);
       field = RTA_NEXT(field, left)) {
    // IFA_ADDRESS is the peer's on a point-to-point link; IFA_LOCAL, which IPv6 mostly lacks, ours.
    bool is_ours = field->rta_type == IFA_LOCAL;
    if (RTA_PAYLOAD(field) < length || !(is_ours || (field->rta_type == IFA_ADDRESS && !is_found))) {
      continue;
    }
    memcpy(address.bytes, RTA_DATA(field), length);
    is_found = true;
  }
  if (is_found) listener->each(&address, listener->context);
}

int addresses_each(void (*each)(const struct address *address, void *context), void *context) {
  struct listener listener = {each, context};
  return dump(RTM_GETADDR, take_address, &listener);
}

unsigned interface_link_type(const struct interface *interface) {
  switch (interface->hardware) {
    case HARDWARE_ETHER:
    case HARDWARE_LOOPBACK: return 1;
    // Their packets begin with the IP header (tun, WireGuard, IP in IP).
    case HARDWARE_NONE:
    case HARDWARE_RAWIP:
    case HARDWARE_TUNNEL:
    case HARDWARE_TUNNEL6:
    case HARDWARE_SIT: return 101;
    default: return 0;
  }
}

const char *link_type_text(unsigned link_type) {
  return link_type == 1 ? "EN10MB (Ethernet)" : "RAW (Raw IP)";
}

bool interface_exists(int index) {
  // struct ifreq (netdevice(7)): a name and a union of up to 24 bytes.
  struct {
    char name[INTERFACE_NAME];
    int index;
    char rest[20];
  } request = {.index = index};
  long descriptor = KERNEL_3(__NR_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) return true;
  long result = KERNEL_3(__NR_ioctl, descriptor, SIOCGIFNAME, &request);
  KERNEL_1(__NR_close, descriptor);
  return result != -ENODEV;
}
