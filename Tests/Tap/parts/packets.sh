# shellcheck shell=bash
# What is captured, held against what tcpdump captures beside it.
times_of() { tshark -r "$1" -T fields -e frame.time_epoch 2>/dev/null; }

traffic() {
  generate far0 20 60 1000
  generate far0 20 1514 1000
  generate far0 5 60 1000 8100 0005
  generate far0 5 100 1000 88a8 6007
  far ping -q -c 3 -i 0.05 -s 1000 198.51.100.1 >/dev/null
}

both() { # NAME TCPDUMP_WORDS -- TAP_WORDS: runs both beside each other
  local name=$1 ours=() theirs=()
  shift
  while [ "$1" != -- ]; do theirs+=("$1"); shift; done
  shift
  ours=("$@")
  begin tcpdump tcpdump -Z root -U -n -i near0 -w - "${theirs[@]}"
  begin tap "$tap" -i near0 "${ours[@]}" -w -
  traffic
  end tap
  sleep 1.1  # tcpdump's own timeout
  kill -INT "${pid[tcpdump]}"
  finish tcpdump
  cp "$work/tap.out" "$work/$name"
  same "$name: the same packets as tcpdump's ($(count_of "$work/tap.out"))" \
    "$(bytes_of "$work/tcpdump.out")" "$(bytes_of "$work/tap.out")"
  # Each stamps for itself, one right after the other, unless the machine has something else to do in between.
  check "$name: the same times as tcpdump's within 10 us, for most" \
    awk '{ difference = $1 - $2; all++ } difference < 1e-5 && difference > -1e-5 { near++ }
      END { exit !(near > all / 2) }' <(paste <(times_of "$work/tcpdump.out") <(times_of "$work/tap.out"))
}

for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  both "$kind-pcapng" --
  says "$kind: pcapng by name" "pcapng" capinfos -t "$work/$kind-pcapng"
  empty "$kind: tshark finds nothing wrong" "$(tshark -r "$work/$kind-pcapng" 2>&1 >/dev/null | grep -v 'Running as')"
  contains "$kind: counters" "packets received by filter" "$(cat "$work/tap.err")"
  same "$kind: as many as it says" "$(count_of "$work/tap.out")" "$(sed -n 's/ packets* captured$//p' "$work/tap.err")"
  info=$(capinfos "$work/$kind-pcapng")
  for fact in "Name = near0" "Time precision = nanoseconds" "Number of stat entries = 1" \
    "Capture application: poddump tap" "Capture oper-sys:    Linux"; do
    contains "$kind: $fact" "$fact" "$info"
  done
  both "$kind-pcap" -- --format pcap
  says "$kind: pcap with nanoseconds" "nanosecond pcap" capinfos -t "$work/$kind-pcap"
  both "$kind-filter" 'udp port 9 and greater 1000' -- --filter "1:$(program 'udp port 9 and greater 1000')"
  both "$kind-snaplen" -s 68 -- -s 68
  same "$kind: the length on the wire stays" "$(fields_of "$work/tcpdump.out" frame.len frame.cap_len)" \
    "$(fields_of "$work/tap.out" frame.len frame.cap_len)"
  both "$kind-snaplen-filter" -s 70 icmp -- -s 70 --filter "1:$(tcpdump -ddd -i near0 icmp 2>/dev/null | tr '\n' ,)" --format pcap
  for snap in 10 13 14 15 16 17 18; do both "$kind-snaplen-$snap" -s $snap -- -s $snap; done
  same "$kind: tags are restored" $'5 0x8100 0005\n5 0x88a8 6007' \
    "$(bytes_of "$work/$kind-pcapng" | awk '$1 == "0000" && ($14 $15 == "8100" || $14 $15 == "88a8") {
      print "0x" $14 $15, $16 $17 }' | sort | uniq -c | sed 's/^ *//')"
done
tap=$native

# Times: of this minute, in order, not in another unit.
now=$(date +%s)
empty "times are of now" "$(tshark -r "$work/tap.out" -T fields -e frame.time_epoch 2>/dev/null |
  awk -v now="$now" '$1 < now - 120 || $1 > now + 5')"
empty "times rise" "$(tshark -r "$work/tap.out" -T fields -e frame.time_delta 2>/dev/null | grep -e '^-')"

# Several interfaces.
for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  for wanted in "-i near0 -i near1 -i lo" "-i any" "-i any -i near0"; do
    begin several "$tap" $wanted -w -
    generate far0 3 100 1000
    generate far1 4 200 1000
    ping -q -c 1 127.0.0.1 >/dev/null
    end several
    same "$kind $wanted: each packet with its interface, loopback's once" \
      $'2 lo 98\n3 near0 100\n4 near1 200' "$(fields_of "$work/several.out" frame.interface_name frame.len | tr '\t' ' ')"
    same "$kind $wanted: three interfaces, three statistics" "3 3" \
      "$(capinfos "$work/several.out" | awk '/^Interface #/ { i++ } /stat entries = 1/ { s++ } END { print i, s }')"
  done
  begin several "$tap" -i any --format pcap -w -
  generate far0 3 100 1000
  generate far1 4 200 1000
  end several
  same "$kind -i any as pcap" 7 "$(count_of "$work/several.out")"
done
tap=$native

# Raw IP: one link type more.
if [ -c /dev/net/tun ]; then
  mkfifo "$work/tun.in"
  "$work/tun" tun0 3 <"$work/tun.in" & tun_pid=$!
  exec {tun_in}>"$work/tun.in"
  until ip link show tun0 up 2>/dev/null | grep -q tun0; do sleep 0.02; done
  begin raw "$tap" -i near0 -i tun0 -w -
  generate far0 2 100 1000
  echo >&$tun_in
  sleep 0.1
  end raw
  same "raw IP beside Ethernet" $'2 near0 1\n3 tun0 7' \
    "$(fields_of "$work/raw.out" frame.interface_name frame.encap_type | tr '\t' ' ')"
  same "raw IP is dissected" 3 "$(tshark -r "$work/raw.out" -Y 'frame.interface_name == "tun0" && udp.port == 9' 2>/dev/null | wc -l)"
  udp='4,48 0 0 9,21 0 1 17,6 0 0 262144,6 0 0 0'
  begin raw "$tap" -i near0 -i tun0 --filter "12:$udp" --filter "1:$(program icmp)" -w -
  generate far0 2 100 1000
  echo >&$tun_in
  sleep 0.1
  end raw
  same "each link type by its own filter" "3 tun0" "$(fields_of "$work/raw.out" frame.interface_name)"
  begin raw "$tap" -i tun0 --format pcap -w -
  contains "raw IP by name" "tap: listening on tun0, link-type RAW (Raw IP), snapshot length 262144 bytes" "$(cat "$work/raw.err")"
  echo >&$tun_in
  sleep 0.1
  end raw
  same "raw IP as pcap" "3 7" "$(fields_of "$work/raw.out" frame.encap_type)"
  # Of all interfaces, those that do not fit are left out: any node with tunnels has such.
  begin raw "$tap" -i any --format pcap -w -
  generate far0 2 100 1000
  echo >&$tun_in
  sleep 0.1
  end raw
  same "any as pcap is Ethernet" "2 1" "$(fields_of "$work/raw.out" frame.encap_type)"
  contains "any as pcap: what is left out is named" "tap: tun0: left out, its link type is another" \
    "$(cat "$work/raw.err")"
  begin raw "$tap" -i any --filter "1:$(program 'udp port 9')" -w -
  generate far0 2 100 1000
  echo >&$tun_in
  sleep 0.1
  end raw
  same "any with a filter for Ethernet alone" "2 near0" "$(fields_of "$work/raw.out" frame.interface_name)"
  contains "any with a filter for Ethernet alone: what is left out is named" \
    "tap: tun0: left out, there is no --filter for its link type" "$(cat "$work/raw.err")"
  out=$("$tap" -i near0 -i tun0 --format pcap -w - 2>&1 </dev/null | tr -d '\0')
  contains "two link types are no pcap" "needs --format pcapng" "$out"
  out=$("$tap" -i near0 -i tun0 --filter "1:$(program icmp)" -w - 2>&1 </dev/null | tr -d '\0')
  contains "a filter for one link type only" "tun0: There is no --filter for its link type" "$out"
  exec {tun_in}>&-
  wait $tun_pid
else
  failed "raw IP: there is no /dev/net/tun"
fi

# A filter sees a packet without its VLAN tag, which the kernel has taken out: one that looks for it where it was
# on the wire, as libpcap makes it for a file, never matches. That is why poddump refuses it.
begin tagged "$tap" -i near0 --filter "1:$(tcpdump -ddd -y EN10MB 'vlan 5' 2>/dev/null | tr '\n' ,)" -w -
generate far0 5 100 1000 8100 0005
end tagged
same "a filter for VLAN tags in the packet: listens, and sees none" "0 1" \
  "$(count_of "$work/tagged.out") $(grep -c 'listening on near0' "$work/tagged.err")"

# A packet that comes alone is not held back: the best of five, whatever else this machine does.
best=$(for _ in 1 2 3 4 5; do
  begin first "$work/reader" "$tap" -i near0 -c 1 -w -
  generate far0 1 100
  finish first
  sed -n 's/.* max_ms=\([0-9]*\)\..*/\1/p' "$work/first.out"
done | sort -n | head -n 1)
check "a single packet is with the reader within 20 ms ($best)" test "${best:-99}" -lt 20

begin great "$tap" -i near0 -w -
generate far0 3 1514 100
end great
same "full frames" "3 1514 1514" "$(fields_of "$work/great.out" frame.len frame.cap_len | tr '\t' ' ')"

# Another namespace.
begin other "$tap" --netns /proc/$far_pid/ns/net -i far0 -c 3 -w -
"$work/generate" near0 3 100 1000 >/dev/null
finish other
same "--netns" "3 far0" "$(fields_of "$work/other.out" frame.interface_name)"
out=$("$tap" --netns /nowhere -i lo -w - 2>&1 </dev/null)
contains "--netns of nowhere" "/nowhere: Cannot open the network namespace" "$out"
out=$("$tap" --netns /proc/self/ns/uts -i lo -w - 2>&1 </dev/null)
contains "--netns of another kind" "Cannot enter the network namespace" "$out"
