/*
 * shim PIDFILE LOG COMMAND...: stands behind one container as containerd's shim does. COMMAND makes the runtime start the
 * container in the background and write the container's first process into PIDFILE; its output and the container's go to LOG.
 * What the runtime leaves behind becomes a child of this process, which says "started PID" on stdout, waits, and leaves with the
 * container's own status (128 + signal). If COMMAND fails: "failed LAST-LINE-OF-LOG" and status 128.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/* What ended while the runtime was still at work: the container itself may be among it. */
static struct { pid_t pid; int status; } early[64];
static unsigned early_count;

/* Reaps until that child has ended; orphans of the container come here too. */
static int wait_for(pid_t wanted) {
  for (unsigned i = 0; i < early_count; i++)
    if (early[i].pid == wanted) return code_of(early[i].status);
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended == wanted) return code_of(status);
    if (ended < 0 && errno != EINTR) return 255;
    if (ended > 0 && early_count < sizeof early / sizeof *early) {
      early[early_count].pid = ended;
      early[early_count++].status = status;
    }
  }
}

static int run(const char *log, char **command) {
  pid_t child = fork();
  if (child < 0) err(1, "fork");
  if (child > 0) return wait_for(child);
  int in = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (in < 0 || out < 0) err(127, "%s", log);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  close_range(3, ~0U, 0);
  execvp(command[0], command);
  err(127, "%s", command[0]);
}

static void say_failure(const char *log) {
  char line[4096] = "", last[4096] = "the runtime said nothing";
  FILE *file = fopen(log, "re");
  while (file && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    if (*line) strcpy(last, line);
  }
  printf("failed %s\n", last);
}

int main(int argc, char **argv) {
  if (argc < 4) errx(2, "usage: shim PIDFILE LOG COMMAND...");
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  setsid();
  if (run(argv[2], argv + 3) != 0) {
    say_failure(argv[2]);
    return 128;
  }
  int pid;
  FILE *file = fopen(argv[1], "re");
  if (!file || fscanf(file, "%d", &pid) != 1) err(1, "%s", argv[1]);
  printf("started %d\n", pid);
  fflush(stdout);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  return wait_for(pid);
}
