internal import Foundation
internal import Synchronization

/// Pods: their containers, their beginning and their end.
extension Cluster {
  /// The real container behind a pod's container; nil if nothing runs there.
  package func container(_ key: ObjectKey, _ name: String) -> LabFile.Container? {
    kubelet.container(key, name)
      ?? file.withLock { $0.pods.first { $0.key == key }?.containers.first { $0.name == name } }
  }

  /// The node of that name, unless nothing can run there.
  package func node(_ name: String) -> LabFile.Node? {
    file.withLock { $0.nodes.first { $0.name == name } }
  }

  /// What admission has to know about a namespace.
  package func admission(_ namespace: String) -> Admission {
    let webhook = file.withLock { $0.namespaces.first { $0.name == namespace }?.webhook }
    return Admission(store: store, namespace: namespace, webhook: webhook ?? [])
  }

  /// A pod has been created through the API, or got ephemeral containers.
  package func changed(_ key: ObjectKey) {
    schedule(key)
    guard let pod = store.object(.pods, key)?.json else { return }
    let uid = pod[path: ["metadata", "uid"]]?.string
    let isOwn = file.withLock { file in !file.pods.contains { $0.uid == uid } }
    kubelet.sync(pod, isOwn: isOwn)
    updateFollowers()
  }

  /// The scheduler: gives a pod without a node the first one that its selector lets it have.
  private func schedule(_ key: ObjectKey) {
    let names = file.withLock { $0.nodes.map(\.name) }
    let nodes = names.compactMap { store.object(.nodes, ObjectKey(name: $0)) }
    var bound: (pod: JSON, node: String)?
    store.put(.pods, key) { revision, previous in
      guard var json = previous?.json, json[path: ["spec", "nodeName"]] == nil else { return nil }
      let selector = json[path: ["spec", "nodeSelector"]]?.stringMap ?? [:]
      let node = nodes.first { node in
        selector.allSatisfy { node.labels[$0.key] == $0.value }
          && (!selector.isEmpty || node.json[path: ["spec", "taints"]] == nil)
          && node.json[path: ["spec", "unschedulable"]] == nil
      }
      guard let node else { return nil }
      json.update("spec") { $0["nodeName"] = .string(node.key.name) }
      json["spec"] = FieldOrder.ordered(json["spec"] ?? [:], FieldOrder.spec)
      let stored = StoredObject(json, type: .pods, revision: revision)
      bound = (stored.json, node.key.name)
      return stored
    }
    guard let bound else { return }
    EventRecorder(store: store).record(
      bound.pod, reason: "Scheduled",
      message: "Successfully assigned \(key.path) to \(bound.node)", node: nil)
  }

  /// Begins to end a pod: marks it as terminating, ends its containers, and removes it when they
  /// have ended, as API server and kubelet do together. Without any grace it is removed at once, and
  /// its containers afterwards.
  /// - Parameters:
  ///   - key: the pod.
  ///   - grace: seconds; nil for what the pod's spec says.
  /// - Returns: the pod as it was marked; nil if there is none.
  package func deletePod(_ key: ObjectKey, grace: Int?) -> StoredObject? {
    guard let before = store.object(.pods, key)?.json,
      let uid = before[path: ["metadata", "uid"]]?.string
    else { return nil }
    let isTerminating = before[path: ["metadata", "deletionTimestamp"]] != nil
    let hasNothing =
      ["Succeeded", "Failed"].contains(before[path: ["status", "phase"]]?.string ?? "")
      || before[path: ["spec", "nodeName"]] == nil
    let grace =
      hasNothing
      ? 0 : grace ?? before[path: ["spec", "terminationGracePeriodSeconds"]]?.integer ?? 30
    guard !isTerminating || grace == 0 else { return store.object(.pods, key) }
    let marked = store.put(.pods, key) { revision, previous in
      guard let previous else { return nil }
      var json = previous.json
      json.update("metadata") { metadata in
        metadata["generation"] = .integer((metadata["generation"]?.integer ?? 1) + 1)
        metadata.set(
          "deletionTimestamp", (Timestamp.now + grace).json, after: "creationTimestamp")
        metadata.set(
          "deletionGracePeriodSeconds", .integer(grace), after: "deletionTimestamp")
      }
      return StoredObject(json, type: .pods, revision: revision)
    }
    guard let marked else { return nil }
    if grace == 0 { removePod(key, uid: uid) }
    if before[path: ["metadata", "annotations", "kubernetes.io/config.mirror"]] != nil {
      mirrorAgain(before, key)
    } else if !isTerminating {
      end(key, uid: uid, grace: grace)
    }
    updateFollowers()
    return marked
  }

  /// Ends a pod's containers, and then its object.
  private func end(_ key: ObjectKey, uid: String, grace: Int) {
    let pod = file.withLock { $0.pods.first { $0.uid == uid } }
    if pod != nil { deletedPods.withLock { _ = $0.insert(uid) } }
    Thread.detachNewThread { [self] in
      let hasStopped = DispatchSemaphore(value: 0)
      if let stop = pod?.stop {
        Thread.detachNewThread {
          Self.run(stop)
          hasStopped.signal()
        }
      }
      kubelet.end(uid, grace: grace)
      if pod?.stop != nil { hasStopped.wait() }
      if store.object(.pods, key)?.json[path: ["metadata", "uid"]]?.string == uid {
        reportEnd(of: key)
        removePod(key, uid: uid)
      }
      file.withLock { $0.pods.removeAll { $0.uid == uid } }
      updateFollowers()
    }
  }

  /// A static pod lives on its node; its kubelet makes the mirror anew that somebody has deleted.
  private func mirrorAgain(_ pod: JSON, _ key: ObjectKey) {
    Thread.detachNewThread { [self] in
      Thread.sleep(forTimeInterval: 1)
      if let uid = pod[path: ["metadata", "uid"]]?.string { removePod(key, uid: uid) }
      var pod = pod
      pod.update("metadata") { metadata in
        metadata["uid"] = .string(Digest.uid(of: "\(key.path) \(store.revision)"))
        metadata["creationTimestamp"] = Timestamp.now.json
      }
      store.put(.pods, key) { revision, previous in
        previous == nil ? StoredObject(pod, type: .pods, revision: revision) : nil
      }
    }
  }

  // MARK: Nodes

  /// Ends every pod of a node but the static ones, and keeps new ones away; or lets them come again.
  /// - Returns: whether there is such a node.
  package func drain(_ name: String, _ drained: Bool) -> Bool {
    let node = store.put(.nodes, ObjectKey(name: name)) { revision, previous in
      guard var json = previous?.json else { return nil }
      json.update("spec") { spec in
        spec["unschedulable"] = drained ? true : nil
        spec["taints"] =
          drained
          ? [["key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"]] : nil
      }
      return StoredObject(json, type: .nodes, revision: revision)
    }
    guard node != nil else { return false }
    guard drained else { return true }
    for pod in store.list(Selection(type: .pods)).objects where pod.fields["spec.nodeName"] == name
    {
      let annotations = pod.json[path: ["metadata", "annotations"]]
      guard annotations?["kubernetes.io/config.mirror"] == nil else { continue }
      _ = deletePod(pod.key, grace: nil)
    }
    return true
  }

  /// Runs what ends a pod's containers, and waits for it.
  private static func run(_ command: [String]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    do {
      try process.run()
      process.waitUntilExit()
      if process.terminationStatus != 0 {
        Log.write("\(command.joined(separator: " ")): exit status \(process.terminationStatus)")
      }
    } catch {
      Log.write("cannot run \(command.joined(separator: " ")): \(error)")
    }
  }

  /// The kubelet's last word about a pod: its containers have ended.
  private func reportEnd(of key: ObjectKey) {
    store.put(.pods, key) { revision, previous in
      guard let previous, previous.fields["status.phase"] == "Running" else { return nil }
      var json = previous.json
      let now = Timestamp.now.json
      json.update("status") { status in
        status["phase"] = "Failed"
        status["containerStatuses"] = .array(
          (status["containerStatuses"]?.array ?? []).map { container in
            var container = container
            container["state"] = [
              "terminated": .object(
                ("exitCode", 137), ("reason", "Error"),
                ("startedAt", container[path: ["state", "running", "startedAt"]]),
                ("finishedAt", now), ("containerID", container["containerID"]))
            ]
            container["ready"] = false
            container["started"] = false
            return container
          })
        status["conditions"] = .array(
          (status["conditions"]?.array ?? []).map { condition in
            var condition = condition
            if let type = condition["type"]?.string,
              ["Ready", "ContainersReady", "PodReadyToStartContainers"].contains(type)
            {
              condition["status"] = "False"
              condition["lastTransitionTime"] = now
              if type != "PodReadyToStartContainers" { condition["reason"] = "PodFailed" }
            }
            return condition
          })
      }
      return StoredObject(json, type: .pods, revision: revision)
    }
  }
}
