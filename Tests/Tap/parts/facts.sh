# shellcheck shell=bash
# What `tap --facts` says, held against other tools.
fact() { sed -n "s/^$1=//p" <<<"$facts"; }
for tap in "$native" "$work/tap-sanitized"; do
  kind=$(basename "$tap")
  facts=$("$tap" --facts)
  same "$kind: uid" "$(id -u)" "$(fact uid)"
  for name in CapEff: CapBnd: NoNewPrivs:; do
    same "$kind: $name" "$(awk -v n=$name '$1 == n { print $2 }' /proc/self/status)" "$(fact $name)"
  done
  same "$kind: machine" "$(uname -m)" "$(fact machine)"
  same "$kind: interfaces" "$(ip -o link | awk -F': ' '{ sub(/@.*/, "", $2); print $2 }')" "$(fact if)"
  same "$kind: links" \
    "$(ip -j link | jq -r '.[] | "\(.ifindex) \(.ifname) \(.link_index // .ifindex) \(.address) 1"')" "$(fact link)"
  same "$kind: addresses" \
    "$(ip -j addr | jq -r '.[] | .ifname as $n | .addr_info[] | "\($n) \(.local)/\(.prefixlen)"' | sort)" "$(fact address | sort)"
  same "$kind: checksum" "$(sha256sum <"$tap" | cut -d' ' -f1)" "$(fact sha256)"
  same "$kind: the end" "end=" "$(tail -n 1 <<<"$facts")"
  contains "$kind: version" "tap " "$(fact version)"

  mkdir -p "$work"/{plain,noexec,readonly,closed,'with blank'}
  mount -t tmpfs -o noexec tmpfs "$work/noexec"
  mount -t tmpfs -o ro tmpfs "$work/readonly"
  chmod 755 "$work/closed"
  chmod 777 "$work/plain" "$work/with blank"
  : >"$work/file"
  facts=$("$tap" --facts "$work"/{plain,noexec,readonly,closed,'with blank',file,missing})
  same "$kind: directories for root" "$work/plain"$'\n'"$work/closed"$'\n'"$work/with blank" "$(fact dir)"
  facts=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$tap" --facts "$work"/{plain,noexec,readonly,closed,file})
  same "$kind: directories for another" "$work/plain" "$(fact dir)"
  same "$kind: another's uid and capabilities" "65534 0000000000000000" "$(fact uid) $(fact CapEff:)"
  facts=$(cd "$work/plain" && env -i TMPDIR="$work/with blank" "$tap" --facts)
  same "$kind: \$TMPDIR first" "$work/with blank" "$(fact dir | head -n 1)"
  same "$kind: the working directory last" "$work/plain" "$(fact dir | tail -n 1)"
  umount "$work/noexec" "$work/readonly"
done

# Addresses as RFC 5952 writes them, and point to point.
six=$(unshare --net sh -c '
  ip link set lo up
  for a in 2001:db8::1:0:0:1 2001:db8:0:1:1:1:1:1 2001:db8:1:0:0:1:0:0 2001:db8::; do ip addr add $a/64 dev lo; done
  ip addr add 198.51.100.1 peer 198.51.100.2 dev lo
  "$0" --facts >"$1.ours"; ip -j addr | jq -r ".[] | .ifname as \$n | .addr_info[] | \"\(\$n) \(.local)/\(.prefixlen)\"" | sort
  ' "$native" "$work/six")
same "IPv6 and point to point" "$six" "$(sed -n 's/^address=//p' "$work/six.ours" | sort)"

# In an empty root there is little to say, and it is said.
mkdir -p "$work/bare"
cp "$native" "$work/bare/tap"
contains "facts without /proc" "end=" "$(chroot "$work/bare" /tap --facts)"

# A container's group as its runtime mounts it, in both versions; the nearest limit counts.
cgroups() { # NAME WANTED SCRIPT: the script fills $PWD, which becomes /sys/fs/cgroup, and $PWD/self
  local folder
  folder=$(mktemp -d -p "$work")
  (cd "$folder" && eval "$3")
  same "memory limit: $1" "$2" "$(unshare --mount sh -c '
    mount --bind "$1/sys" /sys/fs/cgroup; exec 9>/dev/null
    sh -c "mount --bind $1/self /proc/\$\$/cgroup && exec $2 --facts"' - "$folder" "$native" | grep -e ^memory= -e ^end=)"
}
cgroups "version 2" $'memory=33554432\nend=' 'mkdir -p sys; echo 0::/ >self; echo 33554432 >sys/memory.max'
cgroups "version 2, none" "end=" 'mkdir -p sys; echo 0::/ >self; echo max >sys/memory.max'
cgroups "version 2, the pod's is less" $'memory=1000000\nend=' \
  'mkdir -p sys/pod/c; echo 0::/pod/c >self; echo 5000000 >sys/pod/c/memory.max; echo 1000000 >sys/pod/memory.max'
cgroups "version 1, mounted as the root" $'memory=33554432\nend=' \
  'mkdir -p sys/memory; printf "4:cpu,cpuacct:/x\n3:memory:/docker/abc\n0::/\n" >self; echo 33554432 >sys/memory/memory.limit_in_bytes'
cgroups "version 1, none" "end=" \
  'mkdir -p sys/memory; echo 3:memory:/docker/abc >self; echo 9223372036854771712 >sys/memory/memory.limit_in_bytes'
cgroups "nonsense" "end=" 'mkdir -p sys; head -c 9000 /dev/zero | tr "\0" : >self; echo nonsense >sys/memory.max'
