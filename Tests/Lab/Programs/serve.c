/*
 * serve PORT NAME: a small HTTP/1.0 server, one answer per connection, in one process. As PID 1 of a container it reaps
 * orphans and ends on SIGTERM. PORT 0 serves nothing: the container just runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void leave(int number) {
  (void)number;
  _exit(0);
}

static void answer(int connection, const char *name) {
  char request[2048], body[256], reply[512];
  struct timeval patience = {.tv_sec = 1};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (recv(connection, request, sizeof request, 0) <= 0) return;
  int size = snprintf(body, sizeof body, "hello from %s\n", name);
  int length = snprintf(reply, sizeof reply,
                        "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", size, body);
  (void)!send(connection, reply, (size_t)length, MSG_NOSIGNAL);
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "usage: serve PORT NAME");
  /* Ignored, not handled: the kernel then reaps the orphans itself (POSIX, wait). */
  signal(SIGCHLD, SIG_IGN);
  signal(SIGTERM, leave);
  signal(SIGINT, leave);
  int port = atoi(argv[1]);
  if (port == 0)
    for (;;) pause();

  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) err(1, "port %d", port);
  if (listen(listener, 64) != 0) err(1, "listen");
  for (;;) {
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection, argv[2]);
    close(connection);
  }
}
