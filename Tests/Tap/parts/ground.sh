# shellcheck shell=bash
# Hostile ground: what the tap gives up, leaves, and takes.
for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  cp "$tap" "$work/own"
  begin ground "$work/own" --unlink -i near0 -w -
  refuse "$kind --unlink: the file is gone" test -e "$work/own"
  facts=$(grep -E '^(Uid|Cap|NoNewPrivs)' "/proc/${pid[ground]}/status" | tr -s '\t' ' ')
  same "$kind: no capability is left" \
    $'Uid: 0 0 0 0\nCapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 1' \
    "$facts"
  same "$kind: ends first if memory is short" 1000 "$(cat "/proc/${pid[ground]}/oom_score_adj")"
  generate far0 3 100 1000
  end ground
  same "$kind --unlink: it captures all the same" 3 "$(count_of "$work/ground.out")"
done
tap=$native

# Without CAP_SETPCAP the bounding set stays; the others go.
begin ground capsh --drop=cap_setpcap -- -c 'exec "$0" "$@"' "$tap" -i near0 -w -
same "without CAP_SETPCAP too" $'CapPrm: 0000000000000000\nCapEff: 0000000000000000' \
  "$(grep -E '^Cap(Prm|Eff)' "/proc/${pid[ground]}/status" | tr -s '\t' ' ')"
end ground

# As in a container: read-only root, nothing in it but the tap, no /proc.
mkdir -p "$work/root"
cp "$native" "$work/root/tap"
begin chroot unshare --mount sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec chroot "$1" /tap -i near0 -c 2 -w -' - "$work/root"
generate far0 2 100 1000
finish chroot
same "in an empty root that is read-only" "2 0" "$(count_of "$work/chroot.out") $status"

# 16 MiB for everything.
if [ -n "$TAP_CGROUP" ]; then
  if [ -e "$TAP_CGROUP/memory.max" ]; then
    echo 16777216 >"$TAP_CGROUP/memory.max"
  else
    echo 16777216 >"$TAP_CGROUP/memory.limit_in_bytes"
  fi
  inside=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$TAP_CGROUP")
  same "--facts tells the limit" "memory=16777216" "$("${inside[@]}" "$native" --facts | grep ^memory=)"
  begin small "${inside[@]}" "$native" -i near0 -i near1 -i lo -w -
  maps=$(awk '/^VmSize/ { print $2 }' "/proc/${pid[small]}/status")
  check "memory limit 16 MiB: it takes an eighth ($maps KiB)" test "$maps" -le $((2048 + 1024))
  generate far0 200000 500
  check "memory limit 16 MiB: it lives" kill -0 "${pid[small]}"
  end small
  same "memory limit 16 MiB: status" 0 "$status"
  same "memory limit 16 MiB: every packet is counted" 200000 "$(sed -n 's/ packets received by filter//p' "$work/small.err")"
  check "memory limit 16 MiB: packets arrive" test "$(count_of "$work/small.out")" -gt 1000
else
  skipped "memory limit 16 MiB: no control group can be made here"
fi

# Address space that is short: smaller rings.
begin tight sh -c 'ulimit -v 6000; exec "$@"' - "$native" -i near0 -c 2 -w -
generate far0 2 100 1000
finish tight
same "where memory is refused rings are smaller" "2 0" "$(count_of "$work/tight.out") $status"
