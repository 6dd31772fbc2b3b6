#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

// What posix_spawn(3) and fcntl(2) have on Linux behind _GNU_SOURCE, where Swift does not see it.
// On other systems these do the nearest there is.

/// In the child, closes all descriptors from `first` on.
int lab_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

/// The flags of posix_spawnattr_setflags(3) for a session of its own.
short lab_spawn_session_flags(void);

/// Makes a pipe hold `bytes`; where that cannot be set, nothing happens.
void lab_set_pipe_size(int descriptor, int bytes);

#endif
