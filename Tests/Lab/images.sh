# Images: root file systems made of the machine's own programs, in layers that containers stack by overlayfs.
# A layer is a folder $LAB_DIR/layers/NAME; programs bring the libraries that ldd names.

# Copies programs, and what they load, into layer $1, at their own paths.
add_programs() {
  local layer=$LAB_DIR/layers/$1 program file
  shift
  for program; do
    program=$(type -P "$program") || die "the program $program is missing here (see the Makefile for the packages)"
    mkdir -p "$layer/usr/bin"
    cp -L "$program" "$layer/usr/bin/"
    # "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" or "/lib64/ld-linux-x86-64.so.2 (0x…)"; nothing for a static one
    while read -r file; do
      [[ -e $layer/usr$file ]] || install -D "$file" "$layer/usr$file"
    done < <(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | sed 's,^/usr/,/,' | sort -u)
  done
}

compile() { gcc -O2 -static -pthread -Wall -Wextra -o "$2" "$LAB_SOURCE/Programs/$1.c" || die "cannot compile $1.c"; }

build_programs() {
  local name
  mkdir -p "$LAB_DIR/bin"
  # A node sees this folder, but not the one with the lab's scripts.
  cp "$LAB_SOURCE"/{pod-start,pod-stop,container-run,containers.sh,node-sshd,node-runtimes,old-tcpdump} "$LAB_DIR/bin/"
  compile init "$LAB_DIR/bin/init"
  compile shim "$LAB_DIR/bin/shim"
  compile beacon "$LAB_DIR/bin/beacon"
  compile relay "$LAB_DIR/bin/relay"
  for name in pause serve dns traffic; do
    mkdir -p "$LAB_DIR/layers/$name"
    compile "$name" "$LAB_DIR/layers/$name/$name"
  done
}

# The skeleton under every image: users, empty directories, and the links of a merged /usr.
build_base() {
  local base=$LAB_DIR/layers/base directory
  mkdir -p "$base"/{etc,proc,sys,dev,run,root,home,var/tmp,usr/{bin,sbin,lib,lib64}}
  install -d -m 1777 "$base/tmp" "$base/var/tmp"
  for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$base/$directory"; done
  cat >"$base/etc/passwd" <<-'END'
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	tcpdump:x:106:112::/nonexistent:/usr/sbin/nologin
	END
  printf '%s\n' 'root:x:0:' 'tcpdump:x:112:' 'nogroup:x:65534:' >"$base/etc/group"
}

build_busybox() {
  local layer=$LAB_DIR/layers/busybox applet
  add_programs busybox busybox
  for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -s busybox "$layer/usr/bin/$applet"
  done
  mkdir -p "$layer/www"
  echo "hello from busybox" >"$layer/www/index.html"
}

build_layers() {
  build_base
  build_busybox
  add_programs bash bash
  add_programs dash dash
  ln -s dash "$LAB_DIR/layers/dash/usr/bin/sh"
  add_programs cat cat
  add_programs coreutils cat chmod cp cut date dd df echo env false grep head id ls mkdir mktemp mv nohup od printf pwd \
    readlink rm rmdir sed sha256sum sleep sort stat tail tee timeout touch tr true uname wc yes
  add_programs tcpdump tcpdump
  add_programs tar tar
  add_programs few chmod rm sha256sum sleep
  add_programs netshoot nsenter lsns ip ss
}

# Every image that nodes can get.
image_names=(pause web api tools moved hostnet nonroot nocap readonly main quiet bare busydump busybox distroless dns client
  netshoot plain tar-only no-cat)

# Which layers an image has, the uppermost first.
image_layers() {
  case $1 in
    pause) echo "pause base" ;;
    web | api | tools | moved | hostnet | nonroot | nocap | readonly | main) echo "serve tcpdump coreutils dash bash base" ;;
    quiet) echo "serve tcpdump coreutils dash base" ;;
    plain) echo "serve coreutils dash bash base" ;;
    tar-only) echo "serve tar base" ;;
    no-cat) echo "serve few tar dash base" ;;
    bare) echo "serve tcpdump cat dash base" ;;
    busydump) echo "serve tcpdump busybox base" ;;
    busybox) echo "busybox base" ;;
    netshoot) echo "netshoot tcpdump bash busybox base" ;;
    distroless) echo "serve base" ;;
    dns) echo "dns base" ;;
    client) echo "traffic busybox base" ;;
    *) die "no image named $1" ;;
  esac
}

# The same as overlayfs wants it: lowerdir=…
image_lowerdir() {
  local layer dirs=
  for layer in $(image_layers "$1"); do dirs+=:$LAB_DIR/layers/$layer; done
  echo "${dirs#:}"
}
