# inventory.json + process ids → lab.json, what the API stand-in reads.
# Arguments: $images, the names of all images; $pids, an object: node name or container id → process id in the machine's own PID namespace.

def container($pod; $run): {
  name, image: "lab/\(.image):1",
  containerID: (if .id then "containerd://" + .id else null end), pid: $pids[.id // ""],
  state, command: (.command // ["/serve", "80", .name]), memoryLimit: (.memoryLimit // null), ports: (.ports // null),
  securityContext: (.securityContext // null), volumeMounts: (.volumeMounts // null),
  # crun does not take the user from the configuration
  exec: (if .id then ["\($run.source)/in-node", $run.directory, $pod.node, $run.runtime, "--root", "/run/\($run.runtime)",
      "exec", "--user", "\($pod.securityContext.runAsUser // 0):0", .id]
    else null end)};

. as $run | {
  directory,
  images: ($images | split(" ")),
  kubelet: {command: ["env", "PODDUMP_LAB=\(.directory)", "\(.source)/kubelet"],
    exec: ["\(.source)/in-node", .directory, "@NODE@", .runtime, "--root", "/run/\(.runtime)", "exec"]},
  nodes: [.nodes[] | {name, uid, internalIP, initPid: $pids[.name], podCIDR}],
  namespaces, services, workloads,
  pods: [.pods[] | . as $pod | {
    namespace, name, uid, node, phase, podIP, hostNetwork, labels, annotations: (.annotations // {}), owner,
    securityContext: (.securityContext // null), volumes: (.volumes // null),
    containers: [.containers[] | container($pod; $run)],
    stop: ["\($run.source)/lab", "pod-stop", "\(.namespace)/\(.name)"]}]}
