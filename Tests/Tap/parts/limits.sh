# shellcheck shell=bash
# What ends a capture by itself.
seconds() { date +%s.%N; }
between() { # NAME LEAST MOST VALUE
  if awk -v a="$2" -v b="$3" -v x="$4" 'BEGIN { exit !(x >= a && x <= b) }'; then passed "$1"
  else failed "$1" "$4 is not between $2 and $3"; fi
}

for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  begin count "$tap" -i near0 -c 7 -w -
  generate far0 500 100
  finish count
  same "$kind --count: packets" 7 "$(count_of "$work/count.out")"
  same "$kind --count: status" 0 "$status"
  contains "$kind --count: counters" "7 packets captured" "$(cat "$work/count.err")"
  contains "$kind --count: statistics too" "stat entries = 1" "$(capinfos "$work/count.out")"

  # 24 bytes of header, 116 for each packet of 100.
  begin size "$tap" -i near0 --format pcap --size 1200 -w -
  generate far0 500 100
  finish size
  same "$kind --size: bytes" $((24 + 10 * 116)) "$(stat -c %s "$work/size.out")"
  same "$kind --size: status" 0 "$status"

  begin one "$tap" -i near0 --count 1 --format pcap -w -
  generate far0 1 100
  finish one
  contains "$kind: one packet is no packets" "1 packet captured" "$(cat "$work/one.err")"

  start=$(seconds)
  begin ttl "$tap" -i near0 --ttl 1 -w -
  generate far0 3 100 1000
  finish ttl
  between "$kind --ttl 1: after a second" 1 2 "$(awk -v a="$start" -v b="$(seconds)" 'BEGIN { print b - a }')"
  same "$kind --ttl: packets, status" "3 0" "$(count_of "$work/ttl.out") $status"

  begin silence "$tap" -i near0 --silence 1 -w -
  for _ in {1..8}; do echo >&"${input[silence]}"; sleep 0.25; done
  check "$kind --silence: heartbeats keep it" kill -0 "${pid[silence]}"
  start=$(seconds)
  finish silence
  between "$kind --silence 1: ends after a second" 0.5 1.5 "$(awk -v a="$start" -v b="$(seconds)" 'BEGIN { print b - a }')"
  same "$kind --silence: status" 0 "$status"
  same "$kind --silence: every heartbeat was answered" 8 "$(grep -c '^poddump: alive$' "$work/silence.err")"
done
tap=$native
