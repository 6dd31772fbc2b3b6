// A capture from its beginning to its end.
#ifndef TAP_CAPTURE_H
#define TAP_CAPTURE_H

#include "options.h"

/// Captures as the options say. Returns the exit status.
int capture(const struct options *options);

#endif
