#include "capture.h"

#include "control.h"
#include "memory.h"
#include "outbox.h"
#include "packets.h"
#include "pcap.h"
#include "privileges.h"
#include "ring.h"
#include "text.h"

enum {
  RINGS_MOST = 256,
  STATISTICS_EVERY = 10000,  // ms
  DOWN_LOOK = 100,           // ms between looks whether an interface that went down is still there
  STALLED = 2000,            // ms that the end waits for a reader who takes nothing
};

/// Packets of all interfaces.
struct counts {
  uint64_t delivered, received, dropped;
};

/// Everything that a capture has. One there is, in memory that is there from the start.
static struct capture {
  const struct options *options;
  struct ring rings[RINGS_MOST];
  unsigned count;
  /// Whether all interfaces were asked for: then the capture goes on when one of them goes.
  bool is_any;
  struct packets packets;
  struct outbox outbox;
  struct control control;
  uint64_t began;  // nanoseconds since 1970
  struct counts said;
  int status;
} self;

// --- Beginning

static struct interface interfaces[INTERFACES_MOST];
static const struct interface *chosen[RINGS_MOST];

static bool choose(const struct interface *interface) {
  for (unsigned i = 0; i < self.count; i++) {
    if (chosen[i] == interface) return true;
  }
  if (self.count == RINGS_MOST) {
    complain("any", "There are more than 256 interfaces");
    return false;
  }
  chosen[self.count++] = interface;
  return true;
}

/// The filter for a link type, or NULL.
static const struct program *filter_for(unsigned link_type) {
  for (unsigned i = 0; i < self.options->filter_count; i++) {
    if (self.options->filters[i].link_type == link_type) return &self.options->filters[i];
  }
  return NULL;
}

/// Whether there are filters, and none for a link type.
static bool lacks_filter(unsigned link_type) {
  return self.options->filter_count > 0 && !filter_for(link_type);
}

/// The one link type that a pcap file of all interfaces has: Ethernet, unless there is none.
static unsigned common_link_type(int count) {
  unsigned common = 0;
  for (int i = 0; i < count && common != 1; i++) {
    unsigned own = interfaces[i].is_up ? interface_link_type(&interfaces[i]) : 0;
    if (own == 1 || common == 0) common = own;
  }
  return common;
}

static bool choose_all(int count) {
  self.is_any = true;
  unsigned common = common_link_type(count);
  for (int i = 0; i < count; i++) {
    if (!interfaces[i].is_up) continue;
    unsigned own = interface_link_type(&interfaces[i]);
    if (own == 0) {
      complain(interfaces[i].name, "left out, its link type is not known to the tap");
    } else if (self.options->is_pcap && own != common) {
      complain(interfaces[i].name, "left out, its link type is another, which needs --format pcapng");
    } else if (lacks_filter(own)) {
      complain(interfaces[i].name, "left out, there is no --filter for its link type");
    } else if (!choose(&interfaces[i])) {
      return false;
    }
  }
  if (self.count == 0) complain("any", "No interface is up that can be captured");
  return self.count > 0;
}

static bool choose_one(const char *name, int count) {
  for (int i = 0; i < count; i++) {
    if (!text_equal(interfaces[i].name, name)) continue;
    const char *wrong = interface_link_type(&interfaces[i]) == 0
                            ? "Its link type is not known to the tap"
                            : (interfaces[i].is_up ? NULL : "That device is not up");
    if (wrong) complain(name, wrong);
    return !wrong && choose(&interfaces[i]);
  }
  complain(name, "No such device exists");
  return false;
}

static bool choose_interfaces(void) {
  int count = interfaces_list(interfaces, INTERFACES_MOST);
  if (count < 0) {
    complain_error(NULL, "Cannot list the interfaces", "netlink", count);
    return false;
  }
  for (unsigned i = 0; i < self.options->interface_count; i++) {
    const char *name = self.options->interfaces[i];
    if (text_equal(name, "any") ? !choose_all(count) : !choose_one(name, count)) return false;
  }
  for (unsigned i = 1; self.options->is_pcap && i < self.count; i++) {
    if (interface_link_type(chosen[i]) != interface_link_type(chosen[0])) {
      complain(chosen[i]->name, "has another link type than the others, which needs --format pcapng");
      return false;
    }
  }
  return true;
}

/// Opens the output first, since what is left of the memory is the rings'.
static bool open_all(void) {
  uint64_t memory = self.options->buffer ? self.options->buffer << 10 : memory_budget();
  // Bytes that wait need a quarter. They are packed, and packets that come singly are not: a block is
  // handed over after 10 ms however empty. At least a block and the blocks about interfaces fit.
  uint64_t waiting = memory / 4;
  const uint64_t least = RING_BLOCK_MOST + (uint64_t)PCAP_BLOCK_MOST * (self.count + 1);
  if (!outbox_open(&self.outbox, (size_t)(waiting < least ? least : waiting), (size_t)least)) {
    complain(NULL, "There is no memory for packets");
    return false;
  }
  for (unsigned i = 0; i < self.count; i++) {
    unsigned link_type = interface_link_type(chosen[i]);
    if (lacks_filter(link_type)) {
      complain(chosen[i]->name, "There is no --filter for its link type");
      return false;
    }
    // A node's cards are not switched because all were asked for.
    uint64_t share = (memory - waiting) / self.count;
    if (!ring_open(
            &self.rings[i], chosen[i], self.options, filter_for(link_type), share, !self.is_any)) {
      return false;
    }
  }
  return true;
}

static void put_block(size_t length) { outbox_put(&self.outbox, length); }

/// Says that the capture runs, to people and to the reader of the packets.
static void announce(void) {
  for (unsigned i = 0; i < self.count; i++) {
    struct text line = {0};
    text_add(&line, "tap: listening on ");
    text_add_printable(&line, self.rings[i].interface.name);
    text_add(&line, ", link-type ");
    text_add(&line, link_type_text(self.rings[i].link_type));
    text_add(&line, ", snapshot length ");
    text_add_number(&line, self.options->snap_length);
    text_add(&line, " bytes\n");
    text_write(2, &line);
  }
  uint8_t *room = outbox_room(&self.outbox, PCAP_BLOCK_MOST);
  if (self.options->is_pcap) {
    put_block(pcap_file_header(room, self.rings[0].link_type, self.options->snap_length));
    return;
  }
  put_block(pcapng_section(room));
  for (unsigned i = 0; i < self.count; i++) {
    room = outbox_room(&self.outbox, PCAP_BLOCK_MOST);
    put_block(pcapng_interface(room, &self.rings[i].interface, self.options->snap_length));
  }
}

// --- Running

/// Moves blocks to the outbox as long as there are any and it has room, each ring in its turn.
///
/// @return False when a limit was reached.
static bool fetch(void) {
  for (bool is_any_left = true; is_any_left;) {
    is_any_left = false;
    for (unsigned i = 0; i < self.count; i++) {
      struct ring *ring = &self.rings[i];
      struct tpacket_block_desc *block = ring_block(ring);
      if (!block || !outbox_room(&self.outbox, ring->block_size)) continue;
      is_any_left = true;
      bool goes_on = packets_write(&self.packets, ring, i, block, &self.outbox);
      ring_release(ring, block);
      if (!goes_on) return false;
    }
  }
  return true;
}

/// Adds a statistics block for each interface that has room; the next ones come in ten seconds.
static void add_statistics(void) {
  for (unsigned i = 0; i < self.count; i++) {
    struct ring *ring = &self.rings[i];
    ring_count(ring);
    uint8_t *room = self.options->is_pcap ? NULL : outbox_room(&self.outbox, PCAP_BLOCK_MOST);
    if (!room) continue;
    struct statistics statistics = {
        .begin = self.began,
        .now = kernel_wall_clock(),
        .received = ring->received,
        .dropped = ring->dropped,
        .delivered = ring->delivered,
    };
    put_block(pcapng_statistics(room, i, &statistics));
  }
}

static struct counts count_all(void) {
  struct counts counts = {0};
  for (unsigned i = 0; i < self.count; i++) {
    counts.delivered += self.rings[i].delivered;
    counts.received += self.rings[i].received;
    counts.dropped += self.rings[i].dropped;
  }
  return counts;
}

static void add_count(struct text *line, uint64_t count, const char *what) {
  text_add_number(line, count);
  text_add(line, count == 1 ? " packet " : " packets ");
  text_add(line, what);
}

/// What tcpdump says: at the end on a line each, and while it runs, asked by a signal, in one line.
static void say_counts(bool is_last) {
  struct counts counts = count_all();
  struct text line = {0};
  const char *between = is_last ? "\n" : ", ";
  if (!is_last) text_add(&line, "tap: ");
  add_count(&line, counts.delivered, "captured");
  text_add(&line, between);
  add_count(&line, counts.received, "received by filter");
  text_add(&line, between);
  add_count(&line, counts.dropped, "dropped by kernel");
  text_add(&line, "\n");
  text_write(2, &line);
  self.said = counts;
}

/// Says the counters with the answer to a heartbeat, if they have changed and somebody reads them.
static void say_changed_counts(void) {
  self.control.is_asked = false;
  for (unsigned i = 0; i < self.count; i++) ring_count(&self.rings[i]);
  struct counts counts = count_all();
  bool is_same = counts.received == self.said.received && counts.dropped == self.said.dropped &&
                 counts.delivered == self.said.delivered;
  if (!is_same && control_is_heard()) say_counts(false);
}

/// Looks after an interface that went down: one that is gone does not come back.
///
/// @return False when the capture ends with it.
static bool look_after(struct ring *ring) {
  if (!ring->is_down || ring->is_closed) return true;
  if (interface_exists(ring->interface.index)) return true;
  complain(ring->interface.name, "The interface disappeared");
  // What it has received is fetched in any case; only then is it closed.
  bool is_last = true;
  for (unsigned i = 0; i < self.count; i++) {
    is_last &= &self.rings[i] == ring || self.rings[i].is_closed;
  }
  if (!self.is_any || is_last) {
    self.status = 1;
    return false;
  }
  if (!ring_block(ring) && !ring_has_open_block(ring)) ring_close(ring);
  return true;
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

enum entry { INPUT, SIGNALS, OUTPUT, FIRST_RING };

/// Waits until something happens or a clock runs out.
static void wait_until(struct kernel_pollfd *entries, unsigned count, int64_t deadline) {
  int64_t left = deadline == INT64_MAX ? 3600000 : deadline - kernel_milliseconds();
  if (left < 0) left = 0;
  struct kernel_timespec timeout = {(long)(left / 1000), (long)(left % 1000 * 1000000)};
  for (unsigned i = 0; i < count; i++) entries[i].revents = 0;
  KERNEL_5(__NR_ppoll, entries, count, &timeout, NULL, 0);
}

/// Captures until something ends it. Returns 0 or what is wrong with standard output.
static long run(void) {
  static struct kernel_pollfd entries[FIRST_RING + RINGS_MOST];
  int64_t next_statistics = kernel_milliseconds() + STATISTICS_EVERY;
  for (;;) {
    bool goes_on = fetch();
    long broken = outbox_flush(&self.outbox);
    if (broken) return broken;
    if (!goes_on) return 0;

    int64_t now = kernel_milliseconds(), deadline = control_deadline(&self.control);
    if (now >= deadline) return 0;
    if (now >= next_statistics) {
      add_statistics();
      next_statistics = now + STATISTICS_EVERY;
      continue;
    }
    deadline = earlier(deadline, next_statistics);

    bool is_waiting = outbox_waiting(&self.outbox) > 0;
    bool has_room = outbox_room(&self.outbox, RING_BLOCK_MOST) != NULL;
    entries[INPUT] = (struct kernel_pollfd){0, POLLIN, 0};
    entries[SIGNALS] = (struct kernel_pollfd){self.control.signals, POLLIN, 0};
    // Also with nothing to write: that the reader is gone is told without being asked for.
    entries[OUTPUT] = (struct kernel_pollfd){1, is_waiting ? POLLOUT : 0, 0};
    for (unsigned i = 0; i < self.count; i++) {
      struct ring *ring = &self.rings[i];
      if (!look_after(ring)) return 0;
      if (ring->is_down && !ring->is_closed) deadline = earlier(deadline, now + DOWN_LOOK);
      entries[FIRST_RING + i] = (struct kernel_pollfd){ring->socket, has_room ? POLLIN : 0, 0};
    }
    wait_until(entries, FIRST_RING + self.count, deadline);

    if (entries[SIGNALS].revents) return 0;
    if (entries[INPUT].revents && !control_listen(&self.control)) return 0;
    if (self.control.is_asked) say_changed_counts();
    if (entries[OUTPUT].revents & (POLLERR | POLLNVAL)) return -EPIPE;
    for (unsigned i = 0; i < self.count; i++) {
      if (entries[FIRST_RING + i].revents & POLLERR) ring_error(&self.rings[i]);
    }
  }
}

// --- End

/// Waits for the output to take bytes. False when it took none for two seconds, or is broken.
static bool push_out(void) {
  int64_t stalled = kernel_milliseconds() + STALLED;
  for (;;) {
    size_t before = outbox_waiting(&self.outbox);
    if (outbox_flush(&self.outbox) < 0) return false;
    size_t after = outbox_waiting(&self.outbox);
    if (after == 0) return true;
    int64_t now = kernel_milliseconds();
    if (after < before) stalled = now + STALLED;
    if (now >= stalled) return false;
    struct kernel_pollfd entry = {1, POLLOUT, 0};
    wait_until(&entry, 1, stalled);
  }
}

/// Fetches what the kernel has received up to now: blocks that are not full are handed over by its
/// clock, so that this takes a block's time, and little more in any case.
static void fetch_rest(void) {
  int64_t end = kernel_milliseconds() + 4 * (int64_t)self.options->block_timeout + 50;
  for (unsigned i = 0; i < self.count; i++) ring_stop(&self.rings[i]);
  for (;;) {
    bool is_left = false;
    if (!fetch() || !push_out()) return;
    for (unsigned i = 0; i < self.count; i++) {
      is_left |= ring_block(&self.rings[i]) || ring_has_open_block(&self.rings[i]);
    }
    if (!is_left || kernel_milliseconds() >= end) return;
    wait_until(NULL, 0, kernel_milliseconds() + 2);
  }
}

static void finish(long broken) {
  bool is_limit = self.packets.count_left == 0;
  if (!broken && !is_limit) fetch_rest();
  add_statistics();
  if (!broken && !push_out()) {
    struct text line = {0};
    text_add(&line, "tap: the reader did not take the last ");
    text_add_number(&line, outbox_waiting(&self.outbox));
    text_add(&line, " bytes\n");
    text_write(2, &line);
  }
  // A reader who has seen enough is no failure.
  if (broken && broken != -EPIPE && broken != -ECONNRESET) {
    complain_error("standard output", "Cannot be written to", "write", broken);
    self.status = 1;
  }
  say_counts(true);
}

int capture(const struct options *options) {
  self.options = options;
  self.packets = (struct packets){
      .is_pcap = options->is_pcap,
      .snap_length = options->snap_length,
      .count_left = options->count ? options->count : UINT64_MAX,
      .size_limit = options->size ? options->size : UINT64_MAX,
  };
  // First of all, so that a signal from now on ends it in good order.
  if (!control_open(&self.control, options->ttl, options->silence)) {
    complain_error(NULL, "Cannot be told of signals", "signalfd", self.control.signals);
    return 1;
  }
  memory_yield();
  if (options->netns && !enter_network(options->netns)) return 1;
  if (!choose_interfaces() || !open_all()) return 1;
  drop_capabilities();
  self.began = kernel_wall_clock();
  announce();
  finish(run());
  return self.status;
}
