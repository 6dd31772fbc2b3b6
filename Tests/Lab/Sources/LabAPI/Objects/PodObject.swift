/// A pod of the lab as the API server would describe it; the recordings of a real one are the
/// pattern, and the tests compare the two field by field.
package struct PodObject {
  package var pod: LabFile.Pod
  /// The address of the pod's node; nil while it has none.
  package var hostIP: String?
  package var created: Timestamp

  package init(_ pod: LabFile.Pod, hostIP: String?, created: Timestamp) {
    (self.pod, self.hostIP, self.created) = (pod, hostIP, created)
  }

  package var json: JSON {
    ["kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status]
  }

  /// The name of the volume with the service account's token: five characters that hardly repeat.
  private var tokenVolume: String {
    "kube-api-access-" + pod.uid.filter { $0 != "-" }.suffix(5)
  }

  // MARK: Metadata

  private var metadata: JSON {
    var meta = ObjectMeta(
      name: pod.name, namespace: pod.namespace, uid: pod.uid, generation: 1, created: created,
      labels: pod.labels ?? [:], annotations: pod.annotations ?? [:])
    let manager: String
    if let owner = pod.owner {
      manager = isStatic ? "kubelet" : "kube-controller-manager"
      meta.generateName = isStatic ? nil : owner.name + "-"
      meta.owner = ObjectMeta.controller(
        kind: owner.kind, apiVersion: isStatic ? "v1" : "apps/v1", name: owner.name,
        uid: owner.uid)
    } else {
      manager = "kubectl-client-side-apply"
      meta.applied(apiVersion: "v1", kind: "Pod", spec: manifest)
    }
    meta.managedFields.append(
      ManagedFields.entry(
        manager: manager, time: created,
        fields: ["metadata": meta.ownedFields, "spec": ownedSpec]))
    if pod.node == nil {
      meta.managedFields.insert(
        ManagedFields.entry(
          manager: "kube-scheduler", time: created, subresource: "status",
          fields: ["status": ["conditions": status["conditions"] ?? []]]), at: 0)
    } else {
      meta.managedFields.append(
        ManagedFields.entry(
          manager: "kubelet", time: created + 3, subresource: "status",
          fields: ["status": reportedStatus], unowned: ["conditions"],
          changed: [["type": "PodScheduled"]]))
    }
    return meta.json
  }

  /// The spec as somebody would have written it into a file.
  private var manifest: JSON {
    .object(
      (
        "containers",
        .array(
          pod.containers.map { container in
            .object(
              ("command", container.command.map { .array($0.map { .string($0) }) }),
              ("image", .string(container.image)), ("imagePullPolicy", "IfNotPresent"),
              ("name", .string(container.name)),
              ("ports", container.ports.map { .array($0.map(writtenPort)) }),
              ("resources", container.memoryLimit.map { ["limits": ["memory": .string($0)]] }),
              ("securityContext", container.securityContext?.value),
              ("volumeMounts", container.volumeMounts?.value))
          })
      ), ("hostNetwork", pod.hostNetwork == true ? true : nil),
      ("securityContext", pod.securityContext?.value), ("terminationGracePeriodSeconds", 1),
      ("volumes", pod.volumes?.value))
  }

  /// The spec without what the API server's admission added after the manifest had been read.
  private var ownedSpec: JSON {
    var owned = spec
    for name in ["tolerations", "nodeName", "serviceAccount", "serviceAccountName", "priority"] {
      owned[name] = nil
    }
    owned["preemptionPolicy"] = nil
    owned["volumes"] = pod.volumes?.value
    let containers = pod.containers.map { container in
      var owned = specification(of: container)
      owned["volumeMounts"] = container.volumeMounts?.value
      return owned
    }
    owned["containers"] = .array(containers)
    return owned
  }

  /// The status without the times that the API server had already set, as the kubelet sends it.
  private var reportedStatus: JSON {
    var reported = status
    reported["qosClass"] = nil
    if pod.phase == "Pending" { reported["phase"] = nil }  // it had been set at the creation
    if let conditions = reported["conditions"]?.array {
      reported["conditions"] = .array(
        conditions.map { condition in
          condition["type"] == "PodScheduled"
            ? ["type": "PodScheduled", "observedGeneration": 1] : condition
        })
    }
    return reported
  }

  // MARK: Spec

  /// The image in the API of a pod that lives in a file on its node (Kubernetes documentation,
  /// "Create static Pods").
  private var isStatic: Bool { pod.annotations?["kubernetes.io/config.mirror"] != nil }

  private var spec: JSON {
    var spec = commonSpec
    for member in pod.spec?.value.object?.members ?? [] { spec[member.name] = member.value }
    if isStatic {
      for member in ["volumes", "serviceAccount", "serviceAccountName"] { spec[member] = nil }
      spec["tolerations"] = [["operator": "Exists", "effect": "NoExecute"]]
    }
    return pod.spec == nil ? spec : FieldOrder.ordered(spec, FieldOrder.spec)
  }

  private var commonSpec: JSON {
    let volumes = (pod.volumes?.value.array ?? []) + [Self.tokenProjection(tokenVolume)]
    let toleration = { (key: String) -> JSON in
      [
        "key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
      ]
    }
    return .object(
      ("volumes", .array(volumes)),
      ("containers", .array(pod.containers.map(specification))),
      ("restartPolicy", isFinished ? "Never" : "Always"), ("terminationGracePeriodSeconds", 1),
      ("dnsPolicy", "ClusterFirst"), ("serviceAccountName", "default"),
      ("serviceAccount", "default"), ("nodeName", pod.node.map { .string($0) }),
      ("hostname", statefulSet.map { _ in .string(pod.name) }),
      ("subdomain", statefulSet.map { .string($0) }),
      ("hostNetwork", pod.hostNetwork == true ? true : nil),
      ("securityContext", pod.securityContext?.value ?? [:]),
      ("schedulerName", "default-scheduler"),
      (
        "tolerations",
        [
          toleration("node.kubernetes.io/not-ready"), toleration("node.kubernetes.io/unreachable"),
        ]
      ), ("priority", 0), ("enableServiceLinks", true),
      ("preemptionPolicy", "PreemptLowerPriority"))
  }

  /// The StatefulSet that the pod belongs to.
  private var statefulSet: String? {
    pod.owner.flatMap { $0.kind == "StatefulSet" ? $0.name : nil }
  }

  /// The volume with a service account's token.
  static func tokenProjection(_ name: String) -> JSON {
    [
      "name": .string(name),
      "projected": [
        "sources": [
          ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
          [
            "configMap": [
              "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
            ]
          ],
          [
            "downwardAPI": [
              "items": [
                [
                  "path": "namespace",
                  "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                ]
              ]
            ]
          ],
        ], "defaultMode": 420,
      ],
    ]
  }

  private func writtenPort(_ port: LabFile.ContainerPort) -> JSON {
    .object(
      ("name", port.name.map { .string($0) }), ("containerPort", .integer(port.containerPort)),
      ("protocol", .string(port.protocol ?? "TCP")))
  }

  /// The API server gives a port of a pod in the node's network the same number on the node.
  private func port(_ port: LabFile.ContainerPort) -> JSON {
    .object(
      ("name", port.name.map { .string($0) }),
      ("hostPort", pod.hostNetwork == true ? .integer(port.containerPort) : nil),
      ("containerPort", .integer(port.containerPort)),
      ("protocol", .string(port.protocol ?? "TCP")))
  }

  func resources(of container: LabFile.Container) -> JSON {
    guard let limit = container.memoryLimit else { return [:] }
    return ["limits": ["memory": .string(limit)], "requests": ["memory": .string(limit)]]
  }

  func specification(of container: LabFile.Container) -> JSON {
    let mounts =
      (container.volumeMounts?.value.array ?? [])
      + (isStatic
        ? []
        : [
          [
            "name": .string(tokenVolume), "readOnly": true,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
          ]
        ])
    return .object(
      ("name", .string(container.name)), ("image", .string(container.image)),
      ("command", container.command.map { .array($0.map { .string($0) }) }),
      ("ports", container.ports.map { .array($0.map(port)) }),
      ("resources", resources(of: container)),
      ("volumeMounts", mounts.isEmpty ? nil : .array(mounts)),
      ("terminationMessagePath", "/dev/termination-log"),
      ("terminationMessagePolicy", "File"), ("imagePullPolicy", "IfNotPresent"),
      ("securityContext", container.securityContext?.value))
  }
}
