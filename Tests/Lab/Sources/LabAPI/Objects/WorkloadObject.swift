/// A Deployment, StatefulSet or DaemonSet, and a Deployment's ReplicaSet, as the API server would
/// describe them.
package struct WorkloadObject {
  package var workload: LabFile.Workload
  /// The containers of the workload's pods.
  package var containers: [LabFile.Container]
  /// The pods that exist, and how many of them are ready.
  package var replicas: Int
  package var ready: Int
  package var created: Timestamp

  package init(
    _ workload: LabFile.Workload, containers: [LabFile.Container], replicas: Int, ready: Int,
    created: Timestamp
  ) {
    (self.workload, self.containers, self.created) = (workload, containers, created)
    (self.replicas, self.ready) = (replicas, ready)
  }

  package static let apiVersion = "apps/v1"

  /// The object itself.
  package var json: JSON {
    let (spec, status) = specAndStatus
    let meta = metadata(spec: spec, status: status)
    return [
      "kind": .string(workload.kind), "apiVersion": .string(Self.apiVersion),
      "metadata": meta.json, "spec": spec, "status": status,
    ]
  }

  private var specAndStatus: (spec: JSON, status: JSON) {
    switch workload.kind {
    case "StatefulSet": (statefulSetSpec, statefulSetStatus)
    case "DaemonSet": (daemonSetSpec, daemonSetStatus)
    default: (deploymentSpec, deploymentStatus)
    }
  }

  private var selector: JSON { ["matchLabels": .map(workload.selector)] }

  private func template(labels: [String: String]) -> JSON {
    [
      "metadata": ["labels": .map(labels)],
      "spec": [
        "containers": .array(
          containers.map { container in
            .object(
              ("name", .string(container.name)), ("image", .string(container.image)),
              ("command", container.command.map { .array($0.map { .string($0) }) }),
              (
                "resources",
                container.memoryLimit.map { ["limits": ["memory": .string($0)]] } ?? [:]
              ), ("terminationMessagePath", "/dev/termination-log"),
              ("terminationMessagePolicy", "File"), ("imagePullPolicy", "IfNotPresent"),
              ("securityContext", container.securityContext?.value))
          }),
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 1,
        "dnsPolicy": "ClusterFirst", "securityContext": [:],
        "schedulerName": "default-scheduler",
      ],
    ]
  }

  private func metadata(spec: JSON, status: JSON) -> ObjectMeta {
    var meta = ObjectMeta(
      name: workload.name, namespace: workload.namespace, uid: workload.uid, generation: 1,
      created: created, labels: workload.labels ?? workload.selector)
    meta.applied(apiVersion: Self.apiVersion, kind: workload.kind, spec: manifest)
    var controllerFields: JSON = ["status": status]
    if workload.kind == "DaemonSet" {
      meta.annotations["deprecated.daemonset.template.generation"] = "1"
    }
    let applied = ManagedFields.entry(
      manager: "kubectl-client-side-apply", apiVersion: Self.apiVersion, time: created,
      fields: ["metadata": meta.ownedFields, "spec": spec])
    if workload.kind == "Deployment" {
      let revision = ["deployment.kubernetes.io/revision": "1"]
      meta.annotations.merge(revision) { $1 }
      controllerFields = ["metadata": ["annotations": .map(revision)], "status": status]
    }
    if workload.kind == "DaemonSet" {
      var reported = status
      reported["numberMisscheduled"] = nil  // zero is what it was created with
      controllerFields = ["status": reported]
    }
    meta.managedFields = [
      applied,
      ManagedFields.entry(
        manager: "kube-controller-manager", apiVersion: Self.apiVersion, time: created + 8,
        subresource: "status", fields: controllerFields, unowned: ["annotations"]),
    ]
    return meta
  }

  private var manifest: JSON {
    .object(
      ("replicas", workload.kind == "DaemonSet" ? nil : .integer(workload.replicas)),
      ("selector", selector),
      ("serviceName", workload.kind == "StatefulSet" ? .string(workload.name) : nil),
      ("template", template(labels: workload.selector)))
  }

  // MARK: Deployment

  private var deploymentSpec: JSON {
    [
      "replicas": .integer(workload.replicas), "selector": selector,
      "template": template(labels: workload.selector),
      "strategy": [
        "type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"],
      ], "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
    ]
  }

  private var deploymentStatus: JSON {
    let available = ready * 4 >= workload.replicas * 3
    func condition(_ type: String, _ status: Bool, _ reason: String, _ message: String) -> JSON {
      [
        "type": .string(type), "status": status ? "True" : "False",
        "lastUpdateTime": (created + 8).json, "lastTransitionTime": (created + 8).json,
        "reason": .string(reason), "message": .string(message),
      ]
    }
    let replicaSet = workload.replicaSet?.name ?? workload.name
    return .object(
      ("observedGeneration", 1), ("replicas", nonZero(replicas)),
      ("updatedReplicas", nonZero(replicas)), ("readyReplicas", nonZero(ready)),
      ("availableReplicas", nonZero(ready)),
      ("unavailableReplicas", nonZero(workload.replicas - ready)), ("terminatingReplicas", 0),
      (
        "conditions",
        [
          condition(
            "Available", available,
            available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            available
              ? "Deployment has minimum availability."
              : "Deployment does not have minimum availability."),
          condition(
            "Progressing", true, "NewReplicaSetAvailable",
            "ReplicaSet \"\(replicaSet)\" has successfully progressed."),
        ]
      ))
  }

  /// Counters of zero are left out, as `omitempty` does.
  private func nonZero(_ number: Int) -> JSON? { number > 0 ? .integer(number) : nil }

  /// The ReplicaSet of a Deployment; nil for the other kinds.
  package var replicaSet: JSON? {
    guard let replicaSet = workload.replicaSet else { return nil }
    let hash = replicaSet.name.split(separator: "-").last.map(String.init) ?? replicaSet.name
    var labels = workload.selector
    labels["pod-template-hash"] = hash
    let spec: JSON = [
      "replicas": .integer(workload.replicas), "selector": ["matchLabels": .map(labels)],
      "template": template(labels: labels),
    ]
    let status: JSON = .object(
      ("replicas", .integer(replicas)), ("fullyLabeledReplicas", nonZero(replicas)),
      ("readyReplicas", nonZero(ready)), ("availableReplicas", nonZero(ready)),
      ("terminatingReplicas", 0), ("observedGeneration", 1))
    var meta = ObjectMeta(
      name: replicaSet.name, namespace: workload.namespace, uid: replicaSet.uid, generation: 1,
      created: created, labels: labels,
      annotations: [
        "deployment.kubernetes.io/desired-replicas": String(workload.replicas),
        "deployment.kubernetes.io/max-replicas": String(
          workload.replicas + (workload.replicas + 3) / 4),
        "deployment.kubernetes.io/revision": "1",
      ],
      owner: ObjectMeta.controller(
        kind: workload.kind, apiVersion: Self.apiVersion, name: workload.name, uid: workload.uid))
    meta.managedFields = [
      ManagedFields.entry(
        manager: "kube-controller-manager", apiVersion: Self.apiVersion, time: created,
        fields: ["metadata": meta.ownedFields, "spec": spec]),
      ManagedFields.entry(
        manager: "kube-controller-manager", apiVersion: Self.apiVersion, time: created + 8,
        subresource: "status", fields: ["status": status]),
    ]
    return [
      "kind": "ReplicaSet", "apiVersion": .string(Self.apiVersion), "metadata": meta.json,
      "spec": spec, "status": status,
    ]
  }

  // MARK: StatefulSet and DaemonSet

  private var statefulSetSpec: JSON {
    [
      "replicas": .integer(workload.replicas), "selector": selector,
      "template": template(labels: workload.selector), "serviceName": .string(workload.name),
      "podManagementPolicy": "OrderedReady",
      "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]],
      "revisionHistoryLimit": 10,
      "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Retain", "whenScaled": "Retain"],
    ]
  }

  private var statefulSetStatus: JSON {
    let revision = workload.name + "-" + String(Digest.hexadecimal(of: workload.uid).prefix(10))
    return .object(
      ("observedGeneration", 1), ("replicas", .integer(replicas)),
      ("readyReplicas", nonZero(ready)), ("currentReplicas", nonZero(replicas)),
      ("updatedReplicas", nonZero(replicas)), ("currentRevision", .string(revision)),
      ("updateRevision", .string(revision)), ("collisionCount", 0),
      ("availableReplicas", .integer(ready)))
  }

  private var daemonSetSpec: JSON {
    [
      "selector": selector, "template": template(labels: workload.selector),
      "updateStrategy": [
        "type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 1, "maxSurge": 0],
      ], "revisionHistoryLimit": 10,
    ]
  }

  private var daemonSetStatus: JSON {
    .object(
      ("currentNumberScheduled", .integer(replicas)), ("numberMisscheduled", 0),
      ("desiredNumberScheduled", .integer(workload.replicas)), ("numberReady", .integer(ready)),
      ("observedGeneration", 1), ("updatedNumberScheduled", nonZero(replicas)),
      ("numberAvailable", nonZero(ready)))
  }
}
