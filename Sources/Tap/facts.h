// What a route wants to know of the place it would capture in.
#ifndef TAP_FACTS_H
#define TAP_FACTS_H

#include "options.h"

/// Prints lines of `name=value`, the last of them `end=`, so that an answer cut short is noticed.
/// Returns the exit status.
int facts_print(const struct options *options, char **environment);

#endif
