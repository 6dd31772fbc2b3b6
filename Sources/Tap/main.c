#include "main.h"

#include "capture.h"
#include "facts.h"
#include "options.h"
#include "privileges.h"
#include "text.h"

static void say(const char *words) {
  struct text line = {0};
  text_add(&line, words);
  text_write(1, &line);
}

int tap_main(int count, char **words, char **environment) {
  static struct options options;
  bool is_right = options_read(&options, count, words);
  // First, so that nothing that goes wrong later leaves it behind.
  if (options.unlinks_itself) unlink_itself();
  if (!is_right) return 2;
  switch (options.mode) {
    case MODE_VERSION: say("tap " TAP_VERSION "\n"); return 0;
    case MODE_HELP: say(usage_text); return 0;
    case MODE_FACTS: return facts_print(&options, environment);
    default: return capture(&options);
  }
}
