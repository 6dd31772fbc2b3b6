# The users of the nodes, and the keys by which they log in.

# NAME UID SHELL SUDO, where SUDO is "all" (without a password), "asked" (with one), "tcpdump", "tty" (only on a terminal) or "-".
accounts() {
  cat <<-'END'
	ops 1000 /bin/bash all
	dev 1001 /bin/bash -
	fish 1002 /usr/bin/fish all
	csh 1003 /bin/csh all
	rbash 1004 /bin/rbash all
	nopath 1005 /bin/rbash all
	nologin 1006 /usr/sbin/nologin all
	greeted 1007 /bin/bash all
	escapes 1008 /bin/bash all
	forced 1009 /bin/bash all
	certonly 1010 /bin/bash all
	asked 1011 /bin/bash asked
	tcpdumponly 1012 /bin/bash tcpdump
	requiretty 1013 /bin/bash tty
	END
}

# The password of the user "asked".
password_of_asked=open-sesame

write_accounts() { # ETC
  local name uid shell sudo tcpdump password members=
  tcpdump=$(type -P tcpdump)
  password=$(openssl passwd -6 "$password_of_asked")
  cat >"$1/passwd" <<-'END'
	root:x:0:0:root:/root:/bin/bash
	daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
	sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
	tcpdump:x:106:112::/nonexistent:/usr/sbin/nologin
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	END
  printf '%s\n' root:x:0: daemon:x:1: tty:x:5: tcpdump:x:112: nogroup:x:65534: >"$1/group"
  printf '%s:*:19000:0:99999:7:::\n' root daemon sshd tcpdump nobody >"$1/shadow"
  cat >"$1/sudoers" <<-'END'
	Defaults env_reset, !admin_flag
	Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	Defaults:requiretty requiretty
	root ALL=(ALL:ALL) ALL
	%sudo ALL=(ALL:ALL) NOPASSWD: ALL
	END
  while read -r name uid shell sudo; do
    echo "$name:x:$uid:$uid::/home/$name:$shell" >>"$1/passwd"
    echo "$name:x:$uid:" >>"$1/group"
    if [[ $sudo == asked ]]; then echo "$name:$password:19000:0:99999:7:::"; else echo "$name:*:19000:0:99999:7:::"; fi >>"$1/shadow"
    case $sudo in
      all) members+=,$name ;;
      asked) echo "$name ALL=(ALL:ALL) ALL" >>"$1/sudoers" ;;
      tcpdump) echo "$name ALL=(root) NOPASSWD: $tcpdump" >>"$1/sudoers" ;;
      tty) echo "$name ALL=(ALL:ALL) NOPASSWD: ALL" >>"$1/sudoers" ;;
    esac
  done < <(accounts)
  echo "sudo:x:27:${members#,}" >>"$1/group"
  chmod 640 "$1/shadow"
  chmod 440 "$1/sudoers"
}

# What the shells of some users read when they start, which bash does for ssh too.
write_homes() { # FOLDER
  local home=$1 name
  mkdir -p "$home"/{rbash,nopath,greeted,escapes}
  echo 'PATH=/usr/bin:/bin' >"$home/rbash/.bashrc"
  echo 'PATH=' >"$home/nopath/.bashrc"
  cat >"$home/greeted/.bashrc" <<-'END'
	echo "Welcome to $(hostname)."
	echo "This system is for authorised use only."
	echo
	echo "warning: your home directory is 97 % full" >&2
	END
  cat >"$home/escapes/.bashrc" <<-'END'
	printf '\033[2J\033[1;31mWelcome\033[0m \033]0;title\007 to the \r\b node\n'
	printf '\033[33mwarning:\033[0m \302\233 the disk is full\n' >&2
	END
  for name in greeted escapes; do cp "$home/$name/.bashrc" "$home/$name/.profile"; done
}

# The client's keys. All of them are authorized on the nodes but `unauthorized` and `certonly`, which has a certificate.
write_client_keys() {
  local keys=$LAB_DIR/keys rsa
  mkdir -p "$keys"
  ssh-keygen -q -t rsa -b 2048 -N '' -C lab-rsa -f "$keys/rsa" &
  rsa=$!
  ssh-keygen -q -t ed25519 -N '' -C lab-client -f "$LAB_DIR/client_key"
  ssh-keygen -q -t ecdsa -N '' -C lab-ecdsa -f "$keys/ecdsa"
  # Few rounds of the key derivation: here it shall be quick.
  ssh-keygen -q -t ed25519 -a 1 -N "$passphrase" -C lab-encrypted -f "$keys/encrypted"
  ssh-keygen -q -t ed25519 -N '' -C lab-unauthorized -f "$keys/unauthorized"
  ssh-keygen -q -t ed25519 -N '' -C lab-certonly -f "$keys/certonly"
  ssh-keygen -q -t ed25519 -N '' -C lab-user-ca -f "$keys/user_ca"
  ssh-keygen -q -s "$keys/user_ca" -I lab-certonly -n certonly -V always:forever "$keys/certonly.pub"
  wait "$rsa" || die "no RSA key can be made"
  cp -p "$keys/rsa" "$keys/rsa_pem"
  cp -p "$keys/rsa.pub" "$keys/rsa_pem.pub"
  ssh-keygen -q -p -m PEM -P '' -N '' -f "$keys/rsa_pem" >/dev/null
}

# The passphrase of the key "encrypted".
passphrase="correct horse"

write_authorized_keys() { # ETC
  local keys=$LAB_DIR/keys
  cat "$LAB_DIR/client_key.pub" "$keys/rsa.pub" "$keys/ecdsa.pub" "$keys/encrypted.pub" >"$1/ssh/authorized_keys"
  echo "command=\"echo this key may do this only\" $(<"$LAB_DIR/client_key.pub")" >"$1/ssh/authorized_keys_forced"
  cp "$keys/user_ca.pub" "$1/ssh/user_ca.pub"
}
