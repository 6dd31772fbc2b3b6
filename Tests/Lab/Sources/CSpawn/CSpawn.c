#define _GNU_SOURCE
#include "CSpawn.h"

#include <fcntl.h>

int lab_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
#ifdef __linux__
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
  (void)actions;
  (void)first;
  return 0;
#endif
}

short lab_spawn_session_flags(void) {
#ifdef __APPLE__
  return POSIX_SPAWN_SETSID | POSIX_SPAWN_CLOEXEC_DEFAULT;
#else
  return POSIX_SPAWN_SETSID;
#endif
}

void lab_set_pipe_size(int descriptor, int bytes) {
#ifdef F_SETPIPE_SZ
  (void)fcntl(descriptor, F_SETPIPE_SZ, bytes);
#else
  (void)descriptor;
  (void)bytes;
#endif
}
