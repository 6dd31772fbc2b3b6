#define _GNU_SOURCE
#include "CShim.h"

#include <fcntl.h>
#include <unistd.h>

int poddump_pipe_cloexec(int descriptors[2]) {
#ifdef __linux__
  return pipe2(descriptors, O_CLOEXEC);
#else
  if (pipe(descriptors) != 0) return -1;
  for (int i = 0; i < 2; i++) fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

int poddump_set_pipe_size(int descriptor, int bytes) {
#ifdef F_SETPIPE_SZ
  return fcntl(descriptor, F_SETPIPE_SZ, bytes);
#else
  (void)descriptor;
  (void)bytes;
  return -1;
#endif
}
