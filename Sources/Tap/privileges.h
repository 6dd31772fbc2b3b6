// What the tap may do, and what it gives up.
#ifndef TAP_PRIVILEGES_H
#define TAP_PRIVILEGES_H

#include "kernel.h"

/// Removes the tap's own file. A running program keeps what it was started from.
void unlink_itself(void);

/// Enters a network namespace (setns(2)), given by its file. Complains where that fails.
bool enter_network(const char *path);

/// Gives up every capability, for good: also for what it might start, which is nothing. The user stays.
void drop_capabilities(void);

#endif
