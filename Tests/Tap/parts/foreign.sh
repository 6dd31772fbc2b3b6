# shellcheck shell=bash
# The other architectures' binaries under qemu's emulation of their user mode. It knows no packet rings,
# so capturing is tried up to the refusal.
declare -A emulator=([aarch64]=aarch64 [armv7l]=arm [ppc64le]=ppc64le [s390x]=s390x [riscv64]=riscv64 [x86_64]=x86_64)
wanted=$("$native" --facts /tmp | grep -E '^(uid|if|link|address|CapEff)')
tried=0
for binary in .build/tap/tap-*; do
  architecture=${binary##*/tap-}
  qemu=qemu-${emulator[$architecture]}-static
  command -v "$qemu" >/dev/null || { failed "$architecture: there is no $qemu"; continue; }
  same "$architecture: --version" "$("$native" --version)" "$("$qemu" "$binary" --version)"
  facts=$("$qemu" "$binary" --facts /tmp)
  same "$architecture: facts" "$wanted" "$(grep -E '^(uid|if|link|address|CapEff)' <<<"$facts")"
  same "$architecture: the end" "end=" "$(tail -n 1 <<<"$facts")"
  contains "$architecture: directory" "dir=/tmp" "$facts"
  same "$architecture: checksum" "$(sha256sum <"$binary" | cut -d' ' -f1)" "$(sed -n 's/^sha256=//p' <<<"$facts")"
  same "$architecture: no interface" "tap: none9: No such device exists" "$("$qemu" "$binary" -i none9 -w - 2>&1 </dev/null)"
  "$qemu" "$binary" --filter '1:1,6 256 0 1' 2>/dev/null
  same "$architecture: usage" 2 $?
  contains "$architecture: capturing gets as far as the socket" "tap: near0: " \
    "$("$qemu" "$binary" -i near0 --ttl 1 -w - 2>&1 </dev/null | tr -d '\0')"
  tried=$((tried + 1))
done
check "both architectures that always are were tried" test $tried -ge 2
