# pods.json + random numbers → the inventory of this run: every object with its uid, address and container ids. What the lab
# itself needs to know about a pod, and no API object has, is under "lab" (lab_json.jq takes it off again).
# Arguments: $directory, $source (folder of the lab's scripts), $runtime, $random (strings of 64 hex digits, each used for one
# thing). An interface "calico" still has to be computed from the pod's name (name_interfaces in pods.sh): jq knows no SHA-1.

def uuid: .[0:8] + "-" + .[8:12] + "-4" + .[13:16] + "-a" + .[17:20] + "-" + .[20:32];

# As Kubernetes makes them: no vowels and no digits that could form words.
def suffix($length): . as $hex | "bcdfghjklmnpqrst2456789vwxz" as $alphabet
  | [range(0; $length) as $i
      | ($hex[$i:$i + 1] | explode[0] | if . > 57 then . - 87 else . - 48 end) as $n | $alphabet[$n:$n + 1]]
  | add;

def node_named($name): {n1: {address: "198.51.100.11", first: 66}, n2: {address: "198.51.100.12", first: 98}}[$name];

def expand_workload: . as $workload
  | ($random[90] | suffix(9)) as $hash
  | .nodes | to_entries | map({
      name: "\($workload.name)-\($hash)-\($random[91 + .key] | suffix(5))", namespace: $workload.namespace, node: .value,
      http: $workload.http, containers: $workload.containers, replicaSet: "\($workload.name)-\($hash)",
      labels: ($workload.labels + {"pod-template-hash": $hash})});

def with_ids: to_entries | map(.key as $n | .value
  | .namespace = (.namespace // "shop") | .phase = (.phase // "Running") | .hostNetwork = (.hostNetwork // false)
  | .uid = ($random[100 + $n] | uuid)
  | .lab = {sandbox: $random[200 + $n], netns: "cni-\($random[300 + $n] | uuid)"}
  | .containers = [.containers | to_entries[] | .key as $c | .value
      | .state = (.state // "running")
      | .id = (if .state == "running" then $random[500 + 3 * $n + $c] else null end)]
  # Of a pod that is only pretended nothing runs.
  | .running = (.real != false and all(.containers[]; .state == "running")));

# Addresses are given per node in the order of the pods.
def with_addresses: . as $pods | [range(0; length) as $n | $pods[$n]
  | .podIP = (if .node == null or .phase != "Running" then null
      elif .hostNetwork then node_named(.node).address
      else .node as $node | "198.51.100.\(node_named($node).first
        + ([$pods[:$n][] | select(.node == $node and .phase == "Running" and (.hostNetwork | not))] | length))" end)];

def with_interface($n): .lab.interface = (
  if .hostNetwork or (.running | not) then null
  elif .node == "n2" then "veth" + $random[400 + $n][0:8]
  elif .randomInterface then "cali" + $random[400 + $n][0:11]
  else "calico" end);

# besteffort without any limit, burstable with a memory limit only (requests are smaller).
def with_cgroup: .lab.cgroup = "/kubepods/\(if any(.containers[]; .memoryLimit) then "burstable" else "besteffort" end)/pod\(.uid)";

def traffic_jobs: [.[] | select(.running and (.quiet | not)) | select(.name != "client")
  | (if .http then "http:\(.podIP):\(.http)" else empty end),
    (if .dns then "dns:\(.podIP):web.shop.lab", "dns:\(.podIP):nobody.lab" else empty end),
    (if .namespace == "shop" or .dns then "ping:\(.podIP)" else empty end)];

def dns_records: [.[] | select(.podIP) | "\(.name).\(.namespace).lab=\(.podIP)"];

. as $input
| ([.workloads[] | expand_workload] | add) as $replicas
| (.pods + $replicas | with_ids | with_addresses) as $pods
| ($pods | to_entries | map(.key as $n | .value | with_interface($n) | with_cgroup)) as $pods
| {
    directory: $directory, source: $source, runtime: $runtime,
    nodes: [("n1", "n2") as $name | {name: $name, internalIP: node_named($name).address,
      uid: ($random[if $name == "n1" then 0 else 1 end] | uuid),
      podCIDR: "198.51.100.\(node_named($name).first - 2)/27"}],
    pretendedNodes: [.pretendedNodes | to_entries[] | .value + {uid: ($random[5 + .key] | uuid)}],
    namespaces: [.namespaces | to_entries[] | .key as $n | .value | if type == "string" then {name: .} else . end
      | .uid = ($random[10 + $n] | uuid) | .labels += {"kubernetes.io/metadata.name": .name}],
    services: [.services | to_entries[] | .value + {uid: ($random[20 + .key] | uuid)}],
    workloads: [.workloads | to_entries[] | .key as $n | .value
      | {kind, namespace, name, uid: ($random[30 + $n] | uuid), replicas: (.nodes | length), labels, selector: .labels,
         replicaSet: {name: "\(.name)-\($random[90] | suffix(9))", uid: ($random[40 + $n] | uuid)}}],
    pods: [$pods[]
      | if .static then .annotations = ($random[90] as $hash | {"kubernetes.io/config.hash": $hash[0:32],
          "kubernetes.io/config.mirror": $hash[0:32], "kubernetes.io/config.seen": (now | todate),
          "kubernetes.io/config.source": "file"}) else . end
      | .owner = (if .static then {kind: "Node", name: .node, uid: ($random[if .node == "n1" then 0 else 1 end] | uuid)}
          elif .replicaSet then {kind: "ReplicaSet", name: .replicaSet, uid: ($random[40] | uuid)} else null end)
      | if .name == "client" then .containers[0].command += ($pods | traffic_jobs)
        elif .dns then .containers[0].command += ($pods | dns_records) else . end]
  }
| .dns = first(.pods[] | select(.dns) | .podIP)
