# shellcheck shell=bash
# What is built, and that it is built the same everywhere.
for binary in .build/tap/tap-*; do
  size=$(stat -c %s "$binary")
  check "$(basename "$binary") has at most 200 KB ($size)" test "$size" -le 200000
  empty "$(basename "$binary") needs no library and no loader" \
    "$(readelf -dl "$binary" | grep -E 'NEEDED|INTERP|GNU_RELRO.*RWE')"
  empty "$(basename "$binary") has no memory that is written and run" "$(readelf -lW "$binary" | grep -E ' RWE ')"
done
for architecture in x86_64 aarch64; do
  check "there is a tap for $architecture" test -x .build/tap/tap-$architecture
done
check "SHA256SUMS are right" sh -c 'cd .build/tap && sha256sum --check SHA256SUMS'
same "SHA256SUMS has all" "$(cd .build/tap && echo tap-*)" "$(awk '{ print $2 }' .build/tap/SHA256SUMS | xargs)"

# Elsewhere, at another time, with another mask and language.
mkdir -p "$work/else/where/Sources/Extcap"
cp -r Sources/Tap "$work/else/where/Sources/"
cp Sources/Extcap/Version.swift "$work/else/where/Sources/Extcap/"
check "it is built elsewhere" env TZ=Asia/Tokyo LC_ALL=C.UTF-8 sh -c 'umask 077; exec "$@"' - \
  "$work/else/where/Sources/Tap/build"
for binary in .build/tap/tap-*; do
  check "$(basename "$binary") is the same, byte for byte" cmp "$binary" "$work/else/where/$binary"
done
refuse "an unknown architecture is refused" "$work/else/where/Sources/Tap/build" vax
