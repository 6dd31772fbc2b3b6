# shellcheck shell=bash
# What the parts of the tests share: tools, two namespaces joined by two veths, captures to start and end.
#
#   here: near0 near1 lo          far: far0 far1 lo
#
# Addresses are of 198.51.100.0/24; there is no IPv6, whose own traffic nobody could count.
work=$TAP_WORK
native=$PWD/.build/tap/tap-$(uname -m)
tap=$native

compile() { # NAME SOURCE… [FLAG…]
  local name=$1
  shift
  gcc -O2 -g -Wall -Wextra -Werror -o "$work/$name" "$@" || exit 1
}

tools() {
  local tool objects=()
  for tool in generate reader statistics tun; do compile $tool Tests/Tap/tools/$tool.c; done
  local sanitize=(-O1 -g -std=gnu11 -Wall -Wextra -Werror -fsanitize=address,undefined
    -fno-sanitize-recover=all -DTAP_HOSTED '-DTAP_VERSION="test"')
  # The tap without a C library has no sanitizers; its sources have, with one.
  gcc "${sanitize[@]}" -o "$work/tap-sanitized" Sources/Tap/*.c || exit 1
  gcc "${sanitize[@]}" -Dmain=tap_main_of_c -c -o "$work/start.o" Sources/Tap/start.c || exit 1
  for object in Sources/Tap/*.c; do [ "$object" = Sources/Tap/start.c ] || objects+=("$object"); done
  gcc "${sanitize[@]}" -o "$work/fuzz" Tests/Tap/tools/fuzz.c "$work/start.o" "${objects[@]}" || exit 1
  export ASAN_OPTIONS=detect_leaks=0  # which looks at threads by ptrace, and there is no allocation
}

raise() {
  ip link set lo up
  unshare --net sleep infinity &
  far_pid=$!
  until [ "$(readlink /proc/$far_pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  local side
  for side in 'env' "nsenter --net=/proc/$far_pid/ns/net --"; do
    $side sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
  done
  link 0
  link 1
}

link() { # NUMBER: makes a veth pair anew
  ip link add "near$1" address "02:00:00:00:01:0$1" type veth peer name "far$1" \
    address "02:00:00:00:02:0$1" netns $far_pid
  ip addr add "198.51.100.$((16 * $1 + 1))/28" dev "near$1"
  far ip addr add "198.51.100.$((16 * $1 + 2))/28" dev "far$1"
  ip link set "near$1" up
  far ip link set "far$1" up
  far ip link set lo up
  # No ARP either.
  ip neigh add "198.51.100.$((16 * $1 + 2))" lladdr "02:00:00:00:02:0$1" dev "near$1" nud permanent
  far ip neigh add "198.51.100.$((16 * $1 + 1))" lladdr "02:00:00:00:01:0$1" dev "far$1" nud permanent
}

far() { nsenter --net=/proc/$far_pid/ns/net -- "$@"; }
generate() { far "$work/generate" "$@" >/dev/null; }

wait_for() { # TEXT FILE [SECONDS]
  local tries=$((${3:-5} * 50))
  until grep -q -- "$1" "$2" 2>/dev/null; do
    ((tries-- > 0)) || { failed "waiting for '$1'" "$(cat "$2")"; return 1; }
    sleep 0.02
  done
}

# Starts a capture named NAME, its output in $work/NAME.out and .err, with standard input kept open by
# descriptor ${input[NAME]}; returns when it listens.
declare -A input pid
begin() { # NAME COMMAND…
  local name=$1 fd
  shift
  rm -f "$work/$name".{in,out,err}
  mkfifo "$work/$name.in"
  "$@" <"$work/$name.in" >"$work/$name.out" 2>"$work/$name.err" &
  pid[$name]=$!
  # Others must not hold it open, or it would not end.
  exec {fd}>"$work/$name.in"
  input[$name]=$fd
  wait_for "listening on" "$work/$name.err"
  sleep 0.05
}

# Ends it by the end of its input, and leaves its status in $status.
end() { # NAME
  local fd=${input[$1]}
  sleep 0.05
  exec {fd}>&-
  finish "$1"
}

finish() { # NAME: waits for one that ends by itself, but not for ever
  local tries=1000
  while kill -0 "${pid[$1]}" 2>/dev/null; do
    ((tries-- > 0)) || { failed "$1 ends within 20 s"; kill -9 "${pid[$1]}"; break; }
    sleep 0.02
  done
  wait "${pid[$1]}"
  status=$?
  local fd=${input[$1]}
  { exec {fd}>&-; } 2>/dev/null
}

# Everything of the packets but their times.
bytes_of() { tshark -r "$1" -x 2>/dev/null; }
count_of() { tshark -r "$1" -T fields -e frame.number 2>/dev/null | wc -l; }
fields_of() { local file=$1; shift; tshark -r "$file" -T fields "${@/#/-e}" 2>/dev/null | sort | uniq -c | sed 's/^ *//'; }
program() { tcpdump -ddd -i near0 "$@" 2>/dev/null | tr '\n' ,; }  # Ethernet

raise
