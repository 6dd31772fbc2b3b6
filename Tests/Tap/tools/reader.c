// Starts a capture, reads what it writes, and says what that cost.
//
//   reader [-f FILE] [-w MILLISECONDS] [-s 1] COMMAND…
//
// With -f what was read goes into a file, with -w each read waits before, with -s it reads from a socket.
// The command's standard input is a pipe that stays open; on SIGTERM the reader sends the command SIGINT,
// and ends when its output does. Prints one line:
//
//   packets=N bytes=N reads=N cpu_us=N rss_kib=N p50_ms=N p99_ms=N max_ms=N status=N
//
// cpu_us is the command's user and system time. The latencies are from the kernel's stamp on a packet to
// the moment that its last byte was read: pcap with micro- or nanoseconds, or pcapng with nanoseconds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static void stop(int signal) {
  (void)signal;
  kill(child, SIGINT);
}

enum { most_delays = 1 << 20 };
static double *delays;
static long packets;

static uint32_t word(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

static void note(double sent, double now) {
  if (packets < most_delays) delays[packets] = (now - sent) * 1000;
  packets++;
}

/// Takes whole records off the front; returns how many bytes are left to come again.
static size_t parse(const unsigned char *bytes, size_t count, double now) {
  static double unit;
  static int is_begun, is_pcap;
  size_t at = 0;
  if (!is_begun) {
    if (count < 24) return count;
    uint32_t magic = word(bytes);
    is_begun = 1;
    is_pcap = magic == 0xa1b23c4d || magic == 0xa1b2c3d4;
    unit = magic == 0xa1b2c3d4 ? 1e-6 : 1e-9;
    if (is_pcap) at = 24;
  }
  for (;;) {
    const unsigned char *record = bytes + at;
    if (count - at < (is_pcap ? 16u : 12u)) break;
    size_t length = is_pcap ? 16 + word(record + 8) : word(record + 4);
    if (count - at < length) break;
    if (is_pcap) {
      note(word(record) + word(record + 4) * unit, now);
    } else if (word(record) == 6) {
      note(((uint64_t)word(record + 12) << 32 | word(record + 16)) * unit, now);
    }
    at += length;
  }
  return count - at;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int at = 1, copy = -1, slow = 0, by_socket = 0;
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    if (argv[at][1] == 'f') copy = open(argv[at + 1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (argv[at][1] == 's') by_socket = atoi(argv[at + 1]);
    if (argv[at][1] == 'w') slow = atoi(argv[at + 1]);
  }
  int out[2], in[2];
  if (at >= argc ||
      (by_socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) : pipe2(out, O_CLOEXEC)) < 0 ||
      pipe2(in, O_CLOEXEC) < 0) return 2;
  fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
  delays = calloc(most_delays, sizeof *delays);
  child = fork();
  if (child == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execvp(argv[at], argv + at);
    perror(argv[at]);
    _exit(127);
  }
  close(out[1]);
  close(in[0]);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);

  enum { size = 8 << 20, once = 1 << 20 };
  unsigned char *bytes = malloc(size);
  size_t kept = 0;
  long total = 0, reads = 0;
  for (;;) {
    if (slow) usleep(slow * 1000);
    ssize_t count = read(out[0], bytes + kept, slow ? 65536 : once);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (copy >= 0 && write(copy, bytes + kept, count) != count) return 1;
    total += count;
    reads++;
    size_t have = kept + count;
    kept = parse(bytes, have, t.tv_sec + t.tv_nsec / 1e9);
    memmove(bytes, bytes + have - kept, kept);
  }
  int status;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0) {}
  long noted = packets < most_delays ? packets : most_delays;
  qsort(delays, noted, sizeof *delays, compare);
  double none = 0, *d = noted ? delays : &none;
  long last = noted ? noted - 1 : 0;
  printf("packets=%ld bytes=%ld reads=%ld cpu_us=%ld rss_kib=%ld p50_ms=%.2f p99_ms=%.2f max_ms=%.2f status=%d\n",
         packets, total, reads,
         (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
             usage.ru_stime.tv_usec,
         usage.ru_maxrss, d[last / 2], d[(long)(last * 0.99)], d[last],
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
