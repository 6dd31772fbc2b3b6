# What the API stand-in wrote down about a pod (kubelet/UID.json: {pod: the API's object, node, sandbox, netns}) → the same form
# as inventory.json, with one container in it. Arguments: $inventory (inventory.json, slurped), $container (its name, "" for none:
# the sandbox alone), $id, $target (id of a container whose processes it shares, or "").

def class: [.spec.containers[].resources // {} | .limits // {}, .requests // {} | keys[]]
  | if length == 0 then "besteffort" else "burstable" end;

. as $record | .pod as $pod
| (first($inventory[0].pods[] | select(.uid == $pod.metadata.uid)) // null) as $known
| {runtime: $inventory[0].runtime, pods: [{
    running: true, namespace: $pod.metadata.namespace, name: $pod.metadata.name, uid: $pod.metadata.uid, node: $record.node,
    hostNetwork: ($pod.spec.hostNetwork // false), hostPID: ($pod.spec.hostPID // false), hostIPC: ($pod.spec.hostIPC // false),
    shareProcessNamespace: ($pod.spec.shareProcessNamespace // false),
    securityContext: $pod.spec.securityContext, volumes: ($known.volumes // $pod.spec.volumes),
    lab: ($known.lab // {sandbox: $record.sandbox, netns: $record.netns,
      cgroup: "/kubepods/\($pod | class)/pod\($pod.metadata.uid)"}),
    containers: [($pod.spec.containers + ($pod.spec.ephemeralContainers // []))[] | select(.name == $container)
      | {id: $id, name, command, args, env, workingDir, securityContext, volumeMounts,
         memoryLimit: .resources.limits.memory, target: (if $target == "" then null else $target end)}]}]}
