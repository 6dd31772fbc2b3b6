/*
 * relay NETNS PORT: listens on 127.0.0.1:PORT in the network namespace NETNS (a path) and hands every connection on to
 * 127.0.0.1:PORT in its own. A socket stays in the namespace it was made in (network_namespaces(7)), so one process can hold
 * both. One process per connection, a thread per direction; an end of stream is passed on as such, a reset as a reset.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct direction {
  int from, to;
};

static void reset_both(const struct direction *way) {
  struct linger at_once = {.l_onoff = 1};
  setsockopt(way->from, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  setsockopt(way->to, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  _exit(0);
}

static void *copy(void *argument) {
  const struct direction *way = argument;
  char bytes[65536];
  for (;;) {
    ssize_t length = recv(way->from, bytes, sizeof bytes, 0);
    if (length < 0) reset_both(way);
    if (length == 0) break;
    for (ssize_t done = 0; done < length;) {
      ssize_t sent = send(way->to, bytes + done, (size_t)(length - done), MSG_NOSIGNAL);
      if (sent < 0) reset_both(way);
      done += sent;
    }
  }
  shutdown(way->to, SHUT_WR);
  return NULL;
}

static int loopback_socket(int port, struct sockaddr_in *address) {
  int one = 1, made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (made < 0) err(1, "socket");
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return made;
}

static void hand_on(int client, int port) {
  struct sockaddr_in address;
  pthread_t upward;
  int server = loopback_socket(port, &address);
  struct direction up = {client, server}, down = {server, client};
  if (connect(server, (struct sockaddr *)&address, sizeof address) != 0) reset_both(&up);
  if (pthread_create(&upward, NULL, copy, &up) != 0) reset_both(&up);
  copy(&down);
  pthread_join(upward, NULL);
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "usage: relay NETNS PORT");
  int port = atoi(argv[2]), here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (here < 0 || there < 0) err(1, "network namespace");
  if (setns(there, CLONE_NEWNET) != 0) err(1, "setns");
  struct sockaddr_in address;
  int listener = loopback_socket(port, &address), one = 1;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) err(1, "port %d", port);
  if (listen(listener, 128) != 0) err(1, "listen");
  if (setns(here, CLONE_NEWNET) != 0) err(1, "setns");

  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) continue;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fork() == 0) {
      close(listener);
      hand_on(client, port);
      return 0;
    }
    close(client);
  }
}
