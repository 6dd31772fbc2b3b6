# The sshds of the nodes: the one on port 22, and others on n1, each with one peculiarity, that are started on demand. The last
# four are no sshds: what a client may meet in place of one.

# Names and ports of the others.
declare -A SSHD_PORT=([rsa]=2201 [aead]=2202 [etm]=2203 [sntrup]=2204 [tries]=2205 [unknown]=2206 [changed]=2207 [revoked]=2208
  [several]=2209 [hostcert]=2210 [keyboard]=2211 [garbage]=2212 [silent]=2213 [reset]=2214 [preamble]=2215)

# sshd takes the first value that it finds, so what is peculiar stands before what all have in common.
write_sshd_config() { # FILE NODE PORT PIDFILE [LINE...]
  local file=$1 node=$2 port=$3 pid_file=$4
  shift 4
  {
    [[ $# == 0 ]] || printf '%s\n' "$@"
    cat <<-END
	Port $port
	ListenAddress ${NODE_ADDRESS[$node]}
	PidFile $pid_file
	AuthorizedKeysFile /etc/ssh/authorized_keys
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM no
	UseDNS no
	PrintMotd no
	MaxStartups 100
	MaxSessions 100
	Subsystem sftp internal-sftp
	Match User forced
	  AuthorizedKeysFile /etc/ssh/authorized_keys_forced
	Match User certonly
	  AuthorizedKeysFile none
	  TrustedUserCAKeys /etc/ssh/user_ca.pub
	END
  } >"$file"
}

# On port 22. With settings (`lab node`) it gets a view of the node of its own.
start_sshd() { # NODE
  local settings=()
  [[ ! -s $LAB_DIR/nodes/$1.settings ]] || readarray -t settings <"$LAB_DIR/nodes/$1.settings"
  in_node "$1" "$LAB_DIR/bin/node-sshd" "$LAB_DIR" "${settings[@]}" 9>&-
}

# Ends the daemon whose process id file is given, by the id that it has inside the node; its sessions go on.
end_daemon() { # NODE PIDFILE
  in_node "$1" sh -c 'read -r pid <"$1" && read -r name <"/proc/$pid/comm" || exit 0
    case $name in sshd | busybox) kill "$pid" ;; *) exit 0 ;; esac
    while [ -d "/proc/$pid" ]; do sleep 0.02; done
    rm -f "$1"' - "$2" 2>/dev/null
}

sshd_running() { # NODE PIDFILE
  in_node "$1" sh -c 'read -r pid <"$1" && read -r name <"/proc/$pid/comm" &&
    case $name in sshd | busybox) ;; *) false ;; esac' - "$2" 2>/dev/null
}

# Every sshd below a daemon serves one session; all of them are killed at once, so that none can tidy up for another.
kill_sessions() { # NODE
  in_node "$1" sh -c '
    daemons=" $(cat /run/sshd*.pid 2>/dev/null | tr "\n" " ") "
    for stat in /proc/[0-9]*/stat; do
      read -r pid name rest <"$stat" && [ "$name" = "(sshd)" ] || continue
      case $daemons in *" $pid "*) ;; *) echo "$pid" ;; esac
    done 2>/dev/null | xargs -r kill -9 2>/dev/null; true'
}

ssh_kill() { # NODE [session|daemon]
  check_node "${1-}"
  case ${2-session} in
    session) kill_sessions "$1" ;;
    daemon) end_daemon "$1" /run/sshd.pid ;;
    *) die "what to kill is 'session' or 'daemon', not '$2'" ;;
  esac
}

ssh_start() { # NODE
  check_node "${1-}"
  sshd_running "$1" /run/sshd.pid || start_sshd "$1"
}

# `lab sshd NAME [stop]`. Prints the address, the port and the known_hosts file of it.
peculiar_sshd() {
  local name=${1-} port
  [[ $name ]] || { printf '%s\n' "${!SSHD_PORT[@]}" | sort; return; }
  port=${SSHD_PORT[$name]-}
  [[ $port ]] || die "no sshd named '$name', but: $(printf '%s\n' "${!SSHD_PORT[@]}" | sort | tr '\n' ' ')"
  case ${2-} in
    '')
      mkdir -p "$LAB_DIR/known_hosts.d"
      sshd_running n1 "/run/sshd-$name.pid" || start_"$(kind_of "$name")" "$name" "$port"
      echo "${NODE_ADDRESS[n1]} $port $LAB_DIR/known_hosts.d/$name"
      ;;
    stop) stop_peculiar_sshd "$name" ;;
    *) die "usage: lab sshd NAME [stop]" ;;
  esac
}

kind_of() { case $1 in garbage | silent | reset | preamble) echo impostor ;; *) echo peculiar_sshd ;; esac; }

stop_peculiar_sshd() {
  end_daemon n1 "/run/sshd-$1.pid"
  in_node n1 rm -rf "/etc/ssh/$1"
  rm -f "$LAB_DIR/known_hosts.d/$1"
}

start_peculiar_sshd() { # NAME PORT
  local name=$1 port=$2 here there=/etc/ssh/$1 type types=ed25519 lines=()
  # The node's /etc as it is seen from here.
  here=/proc/$(node_pid n1)/root$there
  mkdir -p "$here"
  case $name in
    rsa) types=rsa ;;
    aead) lines=("Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com") ;;
    etm) lines=("Ciphers aes128-ctr,aes256-ctr" "MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com") ;;
    sntrup) lines=("KexAlgorithms sntrup761x25519-sha512@openssh.com") ;;
    tries) lines=("MaxAuthTries 2") ;;
    several) types="rsa ecdsa ed25519" ;;
    hostcert) lines=("HostCertificate $there/ed25519-cert.pub") ;;
    keyboard) lines=("UsePAM yes" "KbdInteractiveAuthentication yes") ;;
  esac
  for type in $types; do
    rm -f "$here/$type"
    ssh-keygen -q -t "$type" -N '' -C "$name" -f "$here/$type"
    lines+=("HostKey $there/$type")
  done
  if [[ $name == hostcert ]]; then
    rm -f "$here/ca"
    ssh-keygen -q -t ed25519 -N '' -C lab-host-ca -f "$here/ca"
    ssh-keygen -q -s "$here/ca" -I "$name" -h -n "n1,${NODE_ADDRESS[n1]}" -V always:forever "$here/ed25519.pub"
  fi
  known_hosts_for "$name" "[${NODE_ADDRESS[n1]}]:$port,[n1]:$port" "$here" >"$LAB_DIR/known_hosts.d/$name"
  write_sshd_config "$here/config" n1 "$port" "/run/sshd-$name.pid" "${lines[@]}"
  in_node n1 /usr/sbin/sshd -f "$there/config"
}

start_impostor() { # NAME PORT
  local answer
  case $1 in
    garbage) answer='exec head -c 1000000 /dev/urandom' ;;
    silent) answer='exec sleep 60' ;;
    # What has come in and nobody has read makes the end of the connection a reset (RFC 1122, 4.2.2.13).
    reset) answer='printf "SSH-2.0-OpenSSH_9.2\r\n"; sleep 0.3' ;;
    # Lines before the identification are allowed (RFC 4253, 4.2).
    preamble) answer='printf "Welcome.\r\n\033[31mred\033[0m\r\n"; exec busybox nc "$1" 22' ;;
  esac
  in_node n1 sh -c 'setsid busybox nc -ll -p "$2" -e sh -c "$3" - "$1" </dev/null >/dev/null 2>&1 &
    echo $! >"$4"' - "${NODE_ADDRESS[n1]}" "$2" "$answer" "/run/sshd-$1.pid"
  echo "[${NODE_ADDRESS[n1]}]:$2,[n1]:$2 $(cut -d' ' -f1,2 "$LAB_DIR/nodes/n1.etc/ssh/ssh_host_ed25519_key.pub")" \
    >"$LAB_DIR/known_hosts.d/$1"
  in_node n1 sh -c 'for i in 0 1 2 3 4 5 6 7 8 9; do ! ss -Hltn "sport = :$1" | grep -q . || exit 0; sleep 0.05; done; exit 1' \
    - "$2" || die "$1 does not start"
}

# What the client has on file for that sshd.
known_hosts_for() { # NAME HOST KEYS
  local name=$1 host=$2 keys=$3 key
  # The comment of a public key goes.
  key_in() { cut -d' ' -f1,2 "$1"; }
  key=$(key_in "$keys/$([[ $name == rsa ]] && echo rsa || echo ed25519).pub")
  case $name in
    # Somebody else's key for that host, and this key for nobody.
    unknown) echo "${NODE_ADDRESS[n2]},n2 $(key_in "$LAB_DIR/nodes/n2.etc/ssh/ssh_host_ed25519_key.pub")" ;;
    changed) echo "$host $(key_in "$LAB_DIR/nodes/n2.etc/ssh/ssh_host_ed25519_key.pub")" ;;
    revoked) printf '%s\n' "$host $key" "@revoked * $key" ;;
    hostcert) echo "@cert-authority $host,n1,${NODE_ADDRESS[n1]} $(key_in "$keys/ca.pub")" ;;
    *) echo "$host $key" ;;
  esac
}
