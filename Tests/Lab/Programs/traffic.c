/*
 * traffic JOB ...: steady real traffic, each job once per 300 ms, the jobs spread evenly over that time, in one process that
 * sleeps in poll(2) otherwise. A job that got no answer is given up when its next turn comes after `patience_ms`.
 *
 *   http:IPV4:PORT       one HTTP/1.0 GET on a connection of its own
 *   dns:IPV4:NAME        one DNS query (type A)
 *   ping:IPV4            one ICMP echo request (needs CAP_NET_RAW)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { period_ms = 300, patience_ms = 2000, max_jobs = 128 };
enum kind { http, dns, ping };

struct job {
  enum kind kind;
  struct sockaddr_in target;
  const char *name;
  int connection; /* of an HTTP job under way, else -1 */
  int asked;      /* the GET is sent */
  int64_t began, due;
};

static struct job jobs[max_jobs];
static int count, dns_socket, ping_socket;
static uint16_t sequence;

static void leave(int number) {
  (void)number;
  _exit(0);
}

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void read_job(const char *text, struct job *job) {
  char kind[8], address[16], rest[128] = "";
  if (sscanf(text, "%7[^:]:%15[^:]:%127s", kind, address, rest) < 2) errx(2, "not a job: %s", text);
  *job = (struct job){.connection = -1, .target.sin_family = AF_INET};
  if (inet_pton(AF_INET, address, &job->target.sin_addr) != 1) errx(2, "not an IPv4 address: %s", text);
  if (strcmp(kind, "http") == 0) {
    job->kind = http;
    job->target.sin_port = htons((uint16_t)atoi(rest));
  } else if (strcmp(kind, "dns") == 0) {
    job->kind = dns;
    job->target.sin_port = htons(53);
    job->name = strdup(rest);
  } else if (strcmp(kind, "ping") == 0) {
    job->kind = ping;
  } else {
    errx(2, "not a job: %s", text);
  }
}

static void end_http(struct job *job) {
  if (job->connection >= 0) close(job->connection);
  job->connection = -1;
}

static void start_http(struct job *job, int64_t now) {
  if (job->connection >= 0 && now - job->began < patience_ms) return;
  end_http(job);
  job->connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  job->asked = 0;
  job->began = now;
  if (connect(job->connection, (struct sockaddr *)&job->target, sizeof job->target) != 0 && errno != EINPROGRESS)
    end_http(job);
}

static void continue_http(struct job *job) {
  char bytes[2048];
  if (!job->asked) {
    static const char request[] = "GET / HTTP/1.0\r\nHost: lab\r\nUser-Agent: lab\r\n\r\n";
    job->asked = 1;
    if (send(job->connection, request, sizeof request - 1, MSG_NOSIGNAL) < 0) end_http(job);
    return;
  }
  ssize_t length = recv(job->connection, bytes, sizeof bytes, 0);
  if (length == 0 || (length < 0 && errno != EAGAIN)) end_http(job);
}

static void send_dns(const struct job *job) {
  uint8_t packet[300] = {(uint8_t)(sequence >> 8), (uint8_t)sequence, 1, 0, 0, 1};
  size_t at = 12;
  for (const char *label = job->name; *label;) {
    size_t length = strcspn(label, ".");
    if (length == 0 || length > 63 || at + length + 6 > sizeof packet) return;
    packet[at++] = (uint8_t)length;
    memcpy(packet + at, label, length);
    at += length;
    label += length + (label[length] == '.');
  }
  at++;
  packet[at + 1] = packet[at + 3] = 1; /* type A, class IN */
  sendto(dns_socket, packet, at + 4, 0, (struct sockaddr *)&job->target, sizeof job->target);
}

/* RFC 1071 */
static uint16_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < length; at += 2) sum += (uint32_t)(bytes[at] << 8 | bytes[at + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

static void send_ping(const struct job *job) {
  uint8_t packet[64] = {0};
  struct icmphdr header = {.type = ICMP_ECHO, .un.echo = {.id = htons(0x1ab), .sequence = htons(sequence)}};
  memcpy(packet, &header, sizeof header);
  header.checksum = checksum(packet, sizeof packet);
  memcpy(packet, &header, sizeof header);
  sendto(ping_socket, packet, sizeof packet, 0, (struct sockaddr *)&job->target, sizeof job->target);
}

static void drain(int socket) {
  char bytes[2048];
  while (recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {}
}

/* Starts what is due; returns the milliseconds until something is. */
static int start_due(void) {
  int64_t now = now_ms(), next = now + period_ms;
  for (int i = 0; i < count; i++) {
    struct job *job = &jobs[i];
    if (job->due <= now) {
      sequence++;
      if (job->kind == http) start_http(job, now);
      if (job->kind == dns) send_dns(job);
      if (job->kind == ping) send_ping(job);
      job->due += period_ms;
      if (job->due <= now) job->due = now + period_ms; /* the machine slept: no burst afterwards */
    }
    if (job->due < next) next = job->due;
  }
  return next > now ? (int)(next - now) : 0;
}

static void wait_and_continue(int timeout) {
  struct pollfd polled[max_jobs + 2];
  struct job *owner[max_jobs];
  nfds_t used = 0;
  for (int i = 0; i < count; i++)
    if (jobs[i].connection >= 0) {
      owner[used] = &jobs[i];
      polled[used++] = (struct pollfd){.fd = jobs[i].connection, .events = jobs[i].asked ? POLLIN : POLLOUT};
    }
  nfds_t connections = used;
  polled[used++] = (struct pollfd){.fd = dns_socket, .events = POLLIN};
  polled[used++] = (struct pollfd){.fd = ping_socket, .events = POLLIN};
  if (poll(polled, used, timeout) <= 0) return;
  for (nfds_t i = 0; i < connections; i++)
    if (polled[i].revents) continue_http(owner[i]);
  if (polled[connections].revents) drain(dns_socket);
  if (polled[connections + 1].revents) drain(ping_socket);
}

int main(int argc, char **argv) {
  signal(SIGCHLD, SIG_IGN);
  signal(SIGTERM, leave);
  if (argc < 2 || argc - 1 > max_jobs) errx(2, "usage: traffic JOB ... (at most %d)", max_jobs);
  count = argc - 1;
  int64_t begin = now_ms();
  for (int i = 0; i < count; i++) {
    read_job(argv[i + 1], &jobs[i]);
    jobs[i].due = begin + (int64_t)i * period_ms / count;
  }
  dns_socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ping_socket = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (dns_socket < 0 || ping_socket < 0) err(1, "socket");
  for (;;) wait_and_continue(start_due());
}
