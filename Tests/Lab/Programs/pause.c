/* pause: PID 1 of a pod's sandbox. It holds the pod's namespaces, reaps, and ends on SIGTERM. */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
  sigset_t signals;
  sigfillset(&signals);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (;;) {
    int number = sigwaitinfo(&signals, NULL);
    if (number == SIGTERM || number == SIGINT) return 0;
    if (number == SIGCHLD)
      while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
}
