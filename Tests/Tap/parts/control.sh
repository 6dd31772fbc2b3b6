# shellcheck shell=bash
# Standard input, signals, and readers.
for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  # Packets of the last moment are in a block that is not full.
  begin eof "$tap" -i near0 --block-timeout 200 -w -
  generate far0 3 100 1000
  fd=${input[eof]}
  exec {fd}>&-
  finish eof
  same "$kind: the end of input flushes" "3 0" "$(count_of "$work/eof.out") $status"
  says "$kind: no input" "0 packets captured" timeout 5 sh -c '"$@" </dev/null 2>&1 >/dev/null' - "$tap" -i near0 -w -
  says "$kind: input closed" "0 packets captured" timeout 5 sh -c '"$@" <&- 2>&1 >/dev/null' - "$tap" -i near0 -w -

  begin alive "$tap" -i near0 -w -
  printf 'early\n\nx' >&"${input[alive]}"
  sleep 0.2
  same "$kind: a newline, an answer" 2 "$(grep -c '^poddump: alive$' "$work/alive.err")"
  end alive

  # Counters come with the answer, when there is something new.
  begin counters "$tap" -i near0 -w -
  generate far0 3 100 1000
  sleep 0.2
  printf '\n' >&"${input[counters]}"
  sleep 0.2
  printf '\n' >&"${input[counters]}"
  sleep 0.2
  same "$kind: counters while it runs" \
    "tap: 3 packets captured, 3 packets received by filter, 0 packets dropped by kernel" \
    "$(grep 'captured,' "$work/counters.err")"
  end counters

  for signal in TERM INT HUP; do
    begin signal "$tap" -i near0 -w -
    generate far0 3 100 1000
    sleep 0.05
    kill -$signal "${pid[signal]}"
    finish signal
    same "$kind: SIG$signal ends in good order" "3 0 3 packets captured" \
      "$(count_of "$work/signal.out") $status $(grep captured "$work/signal.err")"
  done
  begin ignored sh -c 'trap "" INT HUP; exec "$@"' - "$tap" -i near0 -w -
  kill -INT "${pid[ignored]}"
  finish ignored
  same "$kind: SIGINT, where a shell made it ignored" 0 "$status"

  # The reader's end is noticed without a packet.
  mkfifo "$work/gone"
  sleep 0.3 <"$work/gone" &
  begin gone sh -c 'exec "$@" >"$0"' "$work/gone" "$tap" -i near0 -w -
  finish gone
  same "$kind: the reader went, status" 0 "$status"
  contains "$kind: the reader went, counters" "0 packets captured" "$(cat "$work/gone.err")"
  rm "$work/gone"

  # A socket as output, a file, and a pipe that cannot be opened again (no /proc).
  begin socket "$work/reader" -s 1 -f "$work/socket.pcap" "$tap" -i near0 -c 2000 -w -
  generate far0 2000 100 20000
  finish socket
  same "$kind: into a socket" 2000 "$(count_of "$work/socket.pcap")"
  begin bare unshare --mount sh -c 'umount -l /proc; exec "$@"' - \
    "$work/reader" -w 1 -f "$work/bare.pcap" "$tap" -i near0 -c 3000 -w -
  generate far0 3000 500 20000
  finish bare
  same "$kind: into a pipe without /proc" 3000 "$(count_of "$work/bare.pcap")"

  # Whoever shares our output must not find it changed.
  mkfifo "$work/shared"
  cat "$work/shared" >/dev/null &
  flags=$(sh -c 'exec 1>"$1"; sleep 0.5 | "$2" -i near0 -w - 2>/dev/null & sleep 0.25
    sed -n "s/^flags:[[:space:]]*//p" /proc/$$/fdinfo/1 >&2; wait' - "$work/shared" "$tap" 2>&1)
  same "$kind: O_NONBLOCK is not set for others" 0 $(((8#${flags:-4000} & 8#4000) != 0))
  rm "$work/shared"
done
tap=$native

# A reader that stops: memory does not grow, drops are counted, heartbeats are answered, and what was
# promised arrives.
mkfifo "$work/slow"
(sleep 3; exec cat) <"$work/slow" >"$work/slow.pcapng" & slow_pid=$!
begin slow sh -c 'exec "$@" >"$0"' "$work/slow" "$tap" -i near0 -B 1024 -w -
memory() { awk '/^VmRSS/ { print $2 }' "/proc/${pid[slow]}/status"; }
before=$(memory)
generate far0 100000 500
echo >&"${input[slow]}"
sleep 0.3
between=$(memory)
same "a stopped reader: heartbeats are answered" 1 "$(grep -c '^poddump: alive$' "$work/slow.err")"
check "a stopped reader: memory stays ($before to $between KiB)" test "$between" -le $((before + 1024))
sleep 3
end slow
wait $slow_pid
read -r captured received dropped < <(awk '/packets/ && !/^tap:/ { printf "%s ", $1 } END { print "" }' "$work/slow.err")
same "a stopped reader: every packet is counted" 100000 "$received"
same "a stopped reader: captured and dropped are all" "$received" "$((captured + dropped))"
check "a stopped reader: drops ($dropped)" test "$dropped" -gt 0
same "a stopped reader: what was captured arrives" "$captured" "$(count_of "$work/slow.pcapng")"
same "a stopped reader: drops are in the file" \
  "received=$received ifdrop=$dropped accepted=$received osdrop=$dropped delivered=$captured" \
  "$("$work/statistics" "$work/slow.pcapng")"

# One that never reads again does not hold the tap.
mkfifo "$work/never"
sleep 30 <"$work/never" & never_pid=$!
begin never sh -c 'exec "$@" >"$0"' "$work/never" "$tap" -i near0 -B 1024 -w -
generate far0 20000 500
start=$SECONDS
end never
kill $never_pid
check "a reader that never reads: the end comes" test $((SECONDS - start)) -le 5
contains "a reader that never reads: it is told" "did not take the last" "$(cat "$work/never.err")"
