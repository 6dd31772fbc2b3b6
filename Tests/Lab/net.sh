# The network between the nodes: a bridge in a namespace of its own ("switch") with n1, n2 and a client's namespace
# ("laptop") on it. Everything is in 198.51.100.0/24 (RFC 5737), and nothing of it in the machine's own namespace.
#
#   198.51.100.0/27    the nodes' LAN: laptop .1, n1 .11, n2 .12; .30 is nobody's (the pods' gateway on n1, by proxy ARP)
#   198.51.100.64/27   pods of n1, routed one by one to cali… interfaces
#   198.51.100.96/27   pods of n2, on the bridge cni0 (.97)
#   198.51.100.192/26  service addresses

LAPTOP_ADDRESS=198.51.100.1

in_net() { # NAME COMMAND...: in a network namespace only; /proc/sys/net is then that namespace's
  local pid
  pid=$(node_pid "$1") && shift && nsenter --target "$pid" --net -- "$@"
}

no_ipv6='echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'

# Before any link exists, so that not even a neighbour solicitation is sent.
quieten() { in_net "$1" sh -c "[ ! -d /proc/sys/net/ipv6 ] || { $no_ipv6; }; ip link set lo up"; }

plug_in() { # NAME ADDRESS
  in_net switch ip link add "$1" type veth peer name eth0 netns "$(node_pid "$1")"
  in_net switch ip link set "$1" master br0 up
  in_net "$1" ip addr add "$2/27" dev eth0
  in_net "$1" ip link set eth0 up
}

start_network() {
  local node
  start_init switch np net
  start_init laptop np net
  for node in switch laptop "${LAB_NODES[@]}"; do quieten "$node"; done
  # A snooping bridge sends IGMP reports of its own.
  in_net switch ip link add name br0 type bridge mcast_snooping 0
  in_net switch ip link set br0 up
  plug_in laptop "$LAPTOP_ADDRESS"
  for node in "${LAB_NODES[@]}"; do
    plug_in "$node" "${NODE_ADDRESS[$node]}"
    in_net "$node" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  done
  in_net n1 ip route add 198.51.100.96/27 via 198.51.100.12
  in_net n2 ip route add 198.51.100.64/27 via 198.51.100.11
  # With an address of its own; otherwise it changes with every port.
  in_net n2 ip link add name cni0 address 0a:58:c6:33:64:61 type bridge mcast_snooping 0
  in_net n2 ip addr add 198.51.100.97/27 dev cni0
  in_net n2 ip link set cni0 up
}

# Prints the name that Calico computes for a pod's interface on the node.
calico_name() { printf 'cali%s\n' "$(printf %s "$1.$2" | sha1sum | cut -c1-11)"; }

# `lab link NODE black-hole|reset|clear`: what happens to the connection between the laptop and a node. Everything else, the
# nodes among themselves and the API, goes on.
link_to() {
  local node=${1-}
  check_node "$node"
  case ${2-} in
    # Both sides send to an address that nobody has; the switch hands it to the laptop's port only.
    black-hole)
      in_net switch bridge fdb replace "$nowhere" dev laptop master static
      in_net laptop ip neigh replace "${NODE_ADDRESS[$node]}" lladdr "$nowhere" dev eth0 nud permanent
      in_net "$node" ip neigh replace "$LAPTOP_ADDRESS" lladdr "$nowhere" dev eth0 nud permanent
      ;;
    # The kernel of the node ends them as if they had been reset, and tells the laptop so (RFC 9293, 3.10.5, ABORT).
    reset) in_net "$node" ss --kill --no-header --tcp dst "$LAPTOP_ADDRESS" >/dev/null ;;
    clear)
      in_net laptop ip neigh delete "${NODE_ADDRESS[$node]}" dev eth0 2>/dev/null || true
      in_net "$node" ip neigh delete "$LAPTOP_ADDRESS" dev eth0 2>/dev/null || true
      ;;
    *) die "usage: lab link NODE black-hole|reset|clear" ;;
  esac
}
nowhere=02:00:00:00:00:01
