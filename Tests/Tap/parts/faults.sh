# shellcheck shell=bash
# Interfaces that are not there, go, or may not be captured on.
fails() { # NAME MESSAGE COMMAND…: status 1, and the message on standard error only
  local name=$1 message=$2
  shift 2
  "$@" </dev/null >"$work/fails.out" 2>"$work/fails.err"
  same "$name: status" 1 $?
  same "$name: message" "$message" "$(cat "$work/fails.err")"
  empty "$name: nothing is written" "$(head -c 100 "$work/fails.out" | tr -d '\0')"
}

for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  fails "$kind: no interface" "tap: none9: No such device exists" "$tap" -i none9 -w -
  ip link add down0 type veth peer name down1
  fails "$kind: down" "tap: down0: That device is not up" "$tap" -i down0 -w -
  ip link del down0
  refused=$'tap: near0: You don\'t have permission to capture on that device\n(socket: Operation not permitted)'
  fails "$kind: another user" "$refused" setpriv --reuid 65534 --regid 65534 --clear-groups "$tap" -i near0 -w -
  fails "$kind: root without the capability" "$refused" capsh --drop=cap_net_raw -- -c '"$0" "$@"' "$tap" -i near0 -w -
  fails "$kind: nothing is up" "tap: any: No interface is up that can be captured" unshare --net "$tap" -i any -w -
  fails "$kind: a program that the kernel refuses" $'tap: near0: The kernel refuses the filter\n(setsockopt SO_ATTACH_FILTER: Invalid argument)' \
    "$tap" -i near0 --filter '1:1,0 0 0 0' -w -
  # Another user who has been given it.
  begin given setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +net_raw --ambient-caps +net_raw "$tap" -i near0 -c 2 -w -
  generate far0 2 100 1000
  finish given
  same "$kind: another user with the capability" "2 0" "$(count_of "$work/given.out") $status"

  begin deleted "$tap" -i near1 -i near0 -w -
  generate far1 3 100 1000
  sleep 0.1
  ip link del near1
  finish deleted
  link 1
  same "$kind: deleted while capturing" "1 3" "$status $(count_of "$work/deleted.out")"
  contains "$kind: deleted, message" "tap: near1: The interface disappeared" "$(cat "$work/deleted.err")"
  contains "$kind: deleted, counters" "3 packets captured" "$(cat "$work/deleted.err")"

  begin deleted "$tap" -i any -w -
  ip link del near1
  wait_for "near1: The interface disappeared" "$work/deleted.err"
  generate far0 3 100 1000
  end deleted
  link 1
  same "$kind: deleted of any, the others go on" "0 3 near0" "$status $(fields_of "$work/deleted.out" frame.interface_name)"

  begin cycled "$tap" -i near0 -w -
  generate far0 2 100 1000
  sleep 0.1
  ip link set near0 down
  sleep 0.3
  ip link set near0 up
  sleep 0.1
  generate far0 3 100 1000
  end cycled
  same "$kind: down and up again" "0 5" "$status $(tshark -r "$work/cycled.out" -Y udp 2>/dev/null | wc -l)"

  # A disk that is full.
  "$tap" -i near0 --ttl 1 -w - </dev/zero >/dev/full 2>"$work/full.err"
  same "$kind: full output, status" 1 $?
  contains "$kind: full output, message" "No space left on device" "$(cat "$work/full.err")"
done
tap=$native
