# Sourced inside a node by what starts containers there: the bundle of a container, made of what the lab has prepared.
# Callers set $lab and $sandbox_pid (0 for a sandbox itself).

# Prints the folder of container ID, with its root file system mounted and its configuration.
prepare_bundle() { # ID LOWERDIR [TARGET]
  local bundle=/var/lib/containers/$1 target_pid=0
  [[ ! ${3-} ]] || target_pid=$(<"/var/lib/containers/$3/pid")
  mkdir -p "$bundle"/{upper,work,rootfs}
  mount -t overlay -o "lowerdir=$2,upperdir=$bundle/upper,workdir=$bundle/work" overlay "$bundle/rootfs"
  sed "s,@SANDBOX@,$sandbox_pid,g; s,@TARGET@,$target_pid,g" "$lab/bundles/$1.json" >"$bundle/config.json"
  echo "$bundle"
}

# The volumes of pod UID that live on the node's disk: NAMES with commas between them, or "-".
make_volumes() { # UID NAMES
  local volume
  for volume in ${2//,/ }; do
    [[ $volume != - ]] || continue
    volume=/var/lib/kubelet/pods/$1/volumes/kubernetes.io~empty-dir/$volume
    mkdir -p "$volume"
    chmod 777 "$volume"
  done
}

remove_bundle() { # RUNTIME ID
  "$1" --root "/run/$1" delete --force "$2" 2>/dev/null
  umount "/var/lib/containers/$2/rootfs" 2>/dev/null
  rm -rf --one-file-system "/var/lib/containers/${2:?}"
}
