/*
 * init RECORD NAMESPACES: PID 1 of a node (or the holder of a lone network namespace).
 *
 * NAMESPACES is a string of unshare(2) letters: n net, p pid, m mount, u uts, i ipc, c cgroup; 'p' is required.
 * The process id as seen by the caller and its start time are in RECORD ("PID STARTTIME") before the new process does
 * anything: it waits for one byte on a pipe, and leaves if the pipe is closed instead. So there is never a namespace that
 * nobody has on record. The kernel ends everything in a PID namespace with its PID 1, which makes this the only process of a
 * node that has to be ended by id.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int namespace_flags(const char *letters) {
  int flags = 0;
  for (; *letters; letters++) {
    switch (*letters) {
    case 'n': flags |= CLONE_NEWNET; break;
    case 'p': flags |= CLONE_NEWPID; break;
    case 'm': flags |= CLONE_NEWNS; break;
    case 'u': flags |= CLONE_NEWUTS; break;
    case 'i': flags |= CLONE_NEWIPC; break;
    case 'c': flags |= CLONE_NEWCGROUP; break;
    default: errx(2, "unknown namespace letter '%c'", *letters);
    }
  }
  return flags;
}

/* Field 22 of proc_pid_stat(5), in clock ticks since boot; the command name in field 2 may hold blanks and parentheses. */
static unsigned long long start_time(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "re");
  if (!file) err(1, "%s", path);
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  char *field = strrchr(text, ')');
  for (int number = 2; field && number < 22; number++) field = strchr(field + 1, ' ');
  if (!field) errx(1, "%s: not understood", path);
  return strtoull(field + 1, NULL, 10);
}

/* Written beside its place and renamed, so that a record is whole or not there. */
static void write_record(const char *path, pid_t pid) {
  char draft[4096];
  if (snprintf(draft, sizeof draft, "%s.new", path) >= (int)sizeof draft) errx(2, "path too long");
  FILE *file = fopen(draft, "we");
  if (!file) err(1, "%s", draft);
  fprintf(file, "%d %llu\n", (int)pid, start_time(pid));
  if (fclose(file) != 0) err(1, "%s", draft);
  if (rename(draft, path) != 0) err(1, "%s", path);
}

/* Adopts and reaps every orphan until SIGTERM or SIGINT (or SIGKILL from outside, which needs no code). */
static void reap_forever(void) {
  sigset_t signals;
  sigfillset(&signals);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (;;) {
    int signal_number = sigwaitinfo(&signals, NULL);
    if (signal_number == SIGTERM || signal_number == SIGINT) exit(0);
    if (signal_number == SIGCHLD)
      while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "usage: init RECORD NAMESPACES");
  int flags = namespace_flags(argv[2]);
  if (!(flags & CLONE_NEWPID)) errx(2, "a PID namespace is required");

  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) err(1, "pipe2");
  if (unshare(flags) != 0) err(1, "unshare");
  /* A slave, not private: what the machine unmounts must not stay busy here. Nothing travels the other way. */
  if (flags & CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) err(1, "mount");
  pid_t child = fork();
  if (child < 0) err(1, "fork");
  if (child > 0) {
    close(go[0]);
    write_record(argv[1], child);
    if (write(go[1], "", 1) != 1) err(1, "the new process is gone");
    return 0;
  }

  char byte;
  close(go[1]);
  if (read(go[0], &byte, 1) != 1) return 1;
  setsid();
  if (chdir("/") != 0) return 1;
  umask(022);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close_range(3, ~0U, 0);
  reap_forever();
}
