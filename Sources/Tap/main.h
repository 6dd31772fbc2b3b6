#ifndef TAP_MAIN_H
#define TAP_MAIN_H

/// The program. Returns its exit status: 0 in good order, 1 for a failure, 2 for wrong usage.
int tap_main(int count, char **words, char **environment);

#endif
