# The nodes: an init in namespaces of its own, a root file system, users, and an sshd.

start_init() { # NAME NAMESPACES CGROUP
  (
    join_cgroup "$3"
    exec 9>&-
    exec "$LAB_DIR/bin/init" "$LAB_DIR/nodes/$1.pid" "$2"
  ) || die "cannot start $1 (are new namespaces allowed here?)"
}

# The node's own /etc, made outside and copied in.
write_etc() {
  local node=$1 etc=$LAB_DIR/nodes/$1.etc service
  mkdir -p "$etc"/{ssh,pam.d,security,sudoers.d}
  write_accounts "$etc"
  # What sudo, su and sshd ask of PAM, without the machine's own login services.
  for service in other sudo su sshd; do
    printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_permit.so' \
      'password required pam_deny.so' >"$etc/pam.d/$service"
  done
  echo "$node" >"$etc/hostname"
  printf '%s\n' '127.0.0.1 localhost' '198.51.100.11 n1' '198.51.100.12 n2' '198.51.100.1 laptop' >"$etc/hosts"
  : >"$etc/resolv.conf"
  write_authorized_keys "$etc"
  ssh-keygen -q -t ed25519 -N '' -C "$node" -f "$etc/ssh/ssh_host_ed25519_key"
  write_sshd_config "$etc/ssh/sshd_config" "$node" 22 /run/sshd.pid 'HostKey /etc/ssh/ssh_host_ed25519_key'
}

write_ssh_files() {
  local node
  write_client_keys
  for node in "${LAB_NODES[@]}"; do
    write_etc "$node"
    write_homes "$LAB_DIR/nodes/$node.home"
    echo "${NODE_ADDRESS[$node]},$node $(cut -d' ' -f1,2 "$LAB_DIR/nodes/$node.etc/ssh/ssh_host_ed25519_key.pub")"
  done >"$LAB_DIR/known_hosts"
  cat >"$LAB_DIR/ssh_config" <<-END
	Host n1 n2 198.51.100.11 198.51.100.12
	  IdentityFile $LAB_DIR/client_key
	  IdentitiesOnly yes
	  UserKnownHostsFile $LAB_DIR/known_hosts
	  StrictHostKeyChecking yes
	Host n1
	  HostName 198.51.100.11
	Host n2
	  HostName 198.51.100.12
	END
}

start_node() {
  start_init "$1" npmuic "$1"
  local hierarchy pid
  # The node's cgroup is where its cgroup namespace begins; on v2 it must be empty to have children with controllers.
  pid=$(node_pid "$1")
  for hierarchy in $(hierarchies); do
    echo "$pid" >"$hierarchy/$LAB_CGROUP/$1/system/cgroup.procs"
    hand_on_controllers "$hierarchy/$LAB_CGROUP/$1"
  done
  in_node "$1" "$LAB_SOURCE/node-root" "$LAB_DIR" "$1"
}

check_node() {
  local node
  for node in "${LAB_NODES[@]}"; do [[ $1 != "$node" ]] || return 0; done
  die "no node named '$1'"
}

# `lab node NODE [SETTING on|off | clear]`: what the node seems to lack to whoever logs in by ssh (node-sshd).
node_settings() {
  local node=${1-} setting=${2-} file
  check_node "$node"
  file=$LAB_DIR/nodes/$node.settings
  case $setting/${3-} in
    /) [[ ! -s $file ]] || cat "$file" ;;
    clear/) change_settings "$node" : ;;
    */on | */off)
      [[ $setting =~ ^(busybox|hidepid|old-tcpdump|older-tcpdump|no-[A-Za-z0-9._-]+)$ ]] || die "no setting '$setting'"
      if [[ $3 == on ]]; then change_settings "$node" add_line "$setting"; else change_settings "$node" drop_line "$setting"; fi
      ;;
    *) die "usage: lab node NODE [SETTING on|off | clear]" ;;
  esac
}
drop_line() { grep -vxF -- "$1" || true; }
add_line() { drop_line "$1" && echo "$1"; }

# The daemon starts anew in the changed view; sessions go on in the one that they were started in.
change_settings() { # NODE FILTER...
  local file=$LAB_DIR/nodes/$1.settings
  touch "$file"
  "${@:2}" <"$file" >"$file.new"
  mv "$file.new" "$file"
  end_daemon "$1" /run/sshd.pid
  start_sshd "$1"
}

look_at_processes() { # PROC
  local pid stat fields comm cmdline
  for pid in "$1"/[0-9]*; do
    pid=${pid##*/}
    { read -r stat <"$1/$pid/stat" && read -r comm <"$1/$pid/comm" && mapfile -d '' -t cmdline <"$1/$pid/cmdline"; } \
      2>/dev/null || continue
    read -ra fields <<<"${stat##*) }"
    # One that has ended, and that nobody has waited for, stays too.
    [[ ${fields[0]} != [ZX] ]] || cmdline=('<defunct>')
    printf '%s %s %q %s\n' "$pid" "${fields[19]}" "$comm" "${cmdline[*]@Q}"
  done
}

# Every process of a node and of its containers, as "PID STARTTIME COMM CMDLINE" with the ids that the node itself uses.
# The node's own /proc is read from outside, so that the look starts no process there; and twice, so that a process
# that is just going (a busybox httpd forks for each request) is not taken for one that stays.
node_processes() {
  local proc first
  proc=/proc/$(node_pid "$1")/root/proc || exit
  first=$(look_at_processes "$proc" | sort)
  sleep 0.1
  comm -12 - <(look_at_processes "$proc" | sort) <<<"$first" | sort -n
}
