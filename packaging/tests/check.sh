# shellcheck shell=bash
# The checks that the tests of packaging share. Every check is one line, "ok …" or "FAIL …", and what
# was seen comes after a failure; packaging/test-deb counts the lines.

passed() { echo "ok   $1"; }

# What this machine does not let us try; said at the end.
skipped() { echo "SKIP $1"; }

failed() { # NAME [WHAT WAS SEEN]
  echo "FAIL $1"
  if [ -n "${2:-}" ]; then head -n 40 <<<"$2" | cut -c 1-200 | sed 's/^/     | /'; fi
}

check() { # NAME COMMAND…: the command succeeds
  local name=$1 out
  shift
  if out=$("$@" 2>&1 </dev/null); then passed "$name"; else failed "$name" "$out"; fi
}

refuse() { # NAME COMMAND…: the command fails
  local name=$1 out
  shift
  if out=$("$@" 2>&1 </dev/null); then failed "$name" "$out"; else passed "$name"; fi
}

contains() { # NAME TEXT SEEN
  if [[ $3 == *"$2"* ]]; then passed "$1"; else failed "$1" "wanted: $2"$'\n'"$3"; fi
}

says() { # NAME TEXT COMMAND…: the command succeeds, and its output contains the text
  local name=$1 text=$2 out
  shift 2
  if out=$("$@" 2>&1 </dev/null) && [[ $out == *"$text"* ]]; then passed "$name"
  else failed "$name" "wanted: $text"$'\n'"$out"; fi
}

same() { # NAME WANTED SEEN: two texts are the same, and not empty
  if [ -n "$2" ] && [ "$2" = "$3" ]; then passed "$1"
  else failed "$1" "$(diff <(echo "$2") <(echo "$3"))"; fi
}

empty() { # NAME SEEN
  if [ -z "$2" ]; then passed "$1"; else failed "$1" "$2"; fi
}
