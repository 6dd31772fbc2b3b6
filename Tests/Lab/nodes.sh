# The nodes: an init in namespaces of its own, a root file system, users, and an sshd.

start_init() { # NAME NAMESPACES CGROUP
  (
    join_cgroup "$3"
    exec 9>&-
    exec "$LAB_DIR/bin/init" "$LAB_DIR/nodes/$1.pid" "$2"
  ) || die "cannot start $1 (are new namespaces allowed here?)"
}

# The node's own /etc, made outside and copied in. `ops` may use sudo without a password, `dev` may not.
write_etc() {
  local node=$1 etc=$LAB_DIR/nodes/$1.etc user
  mkdir -p "$etc"/{ssh,pam.d,security,sudoers.d}
  cat >"$etc/passwd" <<-'END'
	root:x:0:0:root:/root:/bin/bash
	daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
	sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
	tcpdump:x:106:112::/nonexistent:/usr/sbin/nologin
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	ops:x:1000:1000:with sudo:/home/ops:/bin/bash
	dev:x:1001:1001:without sudo:/home/dev:/bin/bash
	END
  printf '%s\n' root:x:0: daemon:x:1: tty:x:5: sudo:x:27:ops tcpdump:x:112: ops:x:1000: dev:x:1001: nogroup:x:65534: >"$etc/group"
  for user in root daemon sshd tcpdump nobody ops dev; do echo "$user:*:19000:0:99999:7:::"; done >"$etc/shadow"
  chmod 640 "$etc/shadow"
  cat >"$etc/sudoers" <<-'END'
	Defaults env_reset, !admin_flag
	Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	root ALL=(ALL:ALL) ALL
	%sudo ALL=(ALL:ALL) NOPASSWD: ALL
	END
  chmod 440 "$etc/sudoers"
  # What sudo and su ask of PAM, without the machine's own login services.
  for user in other sudo su; do
    printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_permit.so' \
      'password required pam_deny.so' >"$etc/pam.d/$user"
  done
  echo "$node" >"$etc/hostname"
  printf '%s\n' '127.0.0.1 localhost' '198.51.100.11 n1' '198.51.100.12 n2' '198.51.100.1 laptop' >"$etc/hosts"
  : >"$etc/resolv.conf"
  cp "$LAB_DIR/client_key.pub" "$etc/ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -C "$node" -f "$etc/ssh/ssh_host_ed25519_key"
  cat >"$etc/ssh/sshd_config" <<-END
	Port 22
	ListenAddress ${NODE_ADDRESS[$node]}
	HostKey /etc/ssh/ssh_host_ed25519_key
	AuthorizedKeysFile /etc/ssh/authorized_keys
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM no
	UseDNS no
	PrintMotd no
	MaxStartups 100
	MaxSessions 100
	PidFile /run/sshd.pid
	Subsystem sftp internal-sftp
	END
}

write_ssh_files() {
  local node
  ssh-keygen -q -t ed25519 -N '' -C lab-client -f "$LAB_DIR/client_key"
  for node in "${LAB_NODES[@]}"; do
    write_etc "$node"
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

start_sshd() {
  in_node "$1" sh -c 'mkdir -p -m 755 /run/sshd && exec /usr/sbin/sshd -f /etc/ssh/sshd_config' 9>&-
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
