// The few system calls that Swift's Glibc module hides, and nothing else.
#ifndef PODDUMP_CSHIM_H
#define PODDUMP_CSHIM_H

/// Makes a pipe whose two ends are closed on exec (pipe2(2) with O_CLOEXEC; on macOS pipe(2), then
/// fcntl). Returns 0, or -1 with errno set.
int poddump_pipe_cloexec(int descriptors[2]);

/// Asks for a pipe or FIFO buffer of `bytes` (fcntl(2) F_SETPIPE_SZ, Linux). Best effort: returns
/// the size in bytes that the kernel gave, or -1 where it cannot be set.
int poddump_set_pipe_size(int descriptor, int bytes);

/// Looks whether a child has ended, and leaves it to be waited for (waitid(2) with WNOWAIT). Returns 1 with
/// its exit status in `status`, 2 with the signal that ended it, 0 while it runs, -1 with errno set.
int poddump_peek_child(int pid, int *status);

#endif
