// How much memory the tap may take.
#ifndef TAP_MEMORY_H
#define TAP_MEMORY_H

#include "kernel.h"

/// The least of the memory limits of this process's control groups (cgroups(7), versions 1 and 2) in
/// bytes, or 0 where there is none.
uint64_t memory_limit(void);

/// The memory for packets in bytes: an eighth of the limit, between 1 and 32 MiB.
uint64_t memory_budget(void);

/// Asks the kernel to end the tap first if memory runs out, not the program it watches
/// (/proc/PID/oom_score_adj in proc(5)).
void memory_yield(void);

#endif
