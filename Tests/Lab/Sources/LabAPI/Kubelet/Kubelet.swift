internal import Foundation
internal import Synchronization

/// Runs ephemeral containers, and the pods that were created through the API, on the lab's nodes,
/// and reports how they are. Whatever waits, waits on a thread of its own.
final class Kubelet: Sendable {
  struct Settings: Sendable {
    var file = LabFile()

    func node(_ name: String) -> LabFile.Node? { file.nodes.first { $0.name == name } }
  }

  struct State: Sendable {
    var settings = Settings()
    /// By uid.
    var pods: [String: PodRun] = [:]
  }

  let store: Store
  let events: EventRecorder
  let state = Mutex(State())

  init(store: Store) {
    self.store = store
    events = EventRecorder(store: store)
  }

  func configure(_ file: LabFile) {
    state.withLock { $0.settings.file = file }
  }

  var command: KubeletCommand {
    KubeletCommand(words: state.withLock { $0.settings.file.kubelet?.command } ?? ["/bin/false"])
  }

  /// The real container behind a container's name.
  func container(_ key: ObjectKey, _ name: String) -> LabFile.Container? {
    state.withLock { state in
      state.pods.values.first { $0.key == key && $0.real[name] != nil }?.real[name]
    }
  }

  // MARK: What is to run

  /// Takes note of a pod of the API: begins to run it if it was created through the API and has a
  /// node, and starts ephemeral containers that are new.
  func sync(_ pod: JSON, isOwn: Bool) {
    guard let uid = pod[path: ["metadata", "uid"]]?.string,
      let name = pod[path: ["metadata", "name"]]?.string,
      let node = pod[path: ["spec", "nodeName"]]?.string
    else { return }
    let key = ObjectKey(namespace: pod[path: ["metadata", "namespace"]]?.string, name: name)
    let spec = pod["spec"] ?? [:]
    let started = state.withLock { state -> (isNew: Bool, ephemeral: [JSON])? in
      guard let found = state.settings.node(node), found.operatingSystem ?? "linux" == "linux"
      else { return nil }
      let isNew = state.pods[uid] == nil
      var run =
        state.pods[uid]
        ?? PodRun(
          key: key, uid: uid, node: node, realNode: found.runsOn ?? node, isOwn: isOwn,
          hostIP: found.internalIP, spec: spec, sandbox: Self.makeID())
      run.spec = spec
      if isNew, isOwn {
        for container in spec["containers"]?.array ?? [] { run.add(container, isEphemeral: false) }
      }
      let ephemeral = (spec["ephemeralContainers"]?.array ?? []).filter {
        run.containers[$0["name"]?.string ?? ""] == nil
      }
      for container in ephemeral { run.add(container, isEphemeral: true) }
      run.active += ephemeral.count
      state.pods[uid] = run
      return (isNew && isOwn, ephemeral)
    }
    guard let started else { return }
    publish(uid)
    if started.isNew { startPod(uid) }
    for container in started.ephemeral { startThread(uid, container, isEphemeral: true) }
  }

  private func startPod(_ uid: String) {
    guard let run = run(uid) else { return }
    let containers = run.spec["containers"]?.array ?? []
    state.withLock { $0.pods[uid]?.active += containers.count }
    Thread.detachNewThread { [self] in
      writeRecord(uid)
      guard command.run(["sandbox", uid]) == 0 else {
        record(
          uid, type: "Warning", reason: "FailedCreatePodSandBox",
          message: "Failed to create pod sandbox: the lab's kubelet says why in its log", nil)
        state.withLock { $0.pods[uid]?.active = 0 }
        return
      }
      state.withLock { $0.pods[uid]?.hasSandbox = true }
      for container in containers { startThread(uid, container, isEphemeral: false) }
    }
    if let seconds = run.spec["activeDeadlineSeconds"]?.integer {
      Thread.detachNewThread { [self] in
        let deadline = Date(timeIntervalSinceNow: Double(seconds))
        while Date() < deadline, isWanted(uid) { Thread.sleep(forTimeInterval: 0.1) }
        if isWanted(uid) { exceedDeadline(uid) }
      }
    }
  }

  private func exceedDeadline(_ uid: String) {
    state.withLock { $0.pods[uid]?.deadlineExceeded = true }
    record(
      uid, reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline", nil)
    publish(uid)
    let grace = run(uid)?.spec["terminationGracePeriodSeconds"]?.integer ?? 30
    stopContainers(uid, grace: grace)
    publish(uid)
  }

  /// Whether the pod's containers are to run.
  func isWanted(_ uid: String) -> Bool {
    state.withLock { state in
      state.pods[uid].map { !$0.isEnding && !($0.isOwn && $0.hasEnded) } ?? false
    }
  }

  func run(_ uid: String) -> PodRun? { state.withLock { $0.pods[uid] } }

  // MARK: What is to end

  /// Ends all that runs here of a pod, and forgets the pod; blocks until that is done.
  func end(_ uid: String, grace: Int) {
    guard run(uid) != nil else { return }
    stopContainers(uid, grace: grace)
    removeSandbox(uid)
    state.withLock { _ = $0.pods.removeValue(forKey: uid) }
  }

  private func stopContainers(_ uid: String, grace: Int) {
    state.withLock { $0.pods[uid]?.isEnding = true }
    for (name, container) in run(uid)?.real ?? [:] {
      guard let id = container.containerID?.split(separator: "/").last else { continue }
      record(
        uid, reason: "Killing", message: "Stopping container \(name)",
        "spec.containers{\(name)}")
      let stop = ["stop", String(id), String(max(0, grace))]
      Thread.detachNewThread { [command] in command.run(stop) }
    }
    // Whoever is about to start one sees `isEnding` and ends it himself.
    let limit = Date(timeIntervalSinceNow: Double(grace) + 15)
    while Date() < limit, run(uid)?.active ?? 0 > 0 { Thread.sleep(forTimeInterval: 0.01) }
    giveUpUnstarted(uid)
  }

  /// What never started is reported in the kubelet's own words when the pod ends (TerminatePod in
  /// k8s.io/kubernetes/pkg/kubelet/status/status_manager.go).
  private func giveUpUnstarted(_ uid: String) {
    state.withLock { state in
      guard let run = state.pods[uid], run.isOwn else { return }
      for (name, status) in run.containers where !status.isRunning && !status.isTerminated {
        state.pods[uid]?.containers[name]?.state = [
          "terminated": [
            "exitCode": 137, "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "startedAt": .null, "finishedAt": .null,
          ]
        ]
      }
    }
  }

  /// Ends the pod's sandbox, once.
  func removeSandbox(_ uid: String) {
    let had = state.withLock { state in
      defer { state.pods[uid]?.hasSandbox = false }
      return state.pods[uid]?.hasSandbox ?? false
    }
    guard had else { return }
    writeRecord(uid)
    command.run(["remove", uid])
  }

  // MARK: Reports

  /// Brings the pod's status in the store up to date.
  func publish(_ uid: String) {
    guard let key = run(uid)?.key else { return }
    store.put(.pods, key) { revision, previous in
      guard var json = previous?.json, json[path: ["metadata", "uid"]]?.string == uid,
        let run = run(uid)
      else { return nil }
      let old = json["status"] ?? [:]
      if run.isOwn {
        let generation = json[path: ["metadata", "generation"]]?.integer ?? 1
        json["status"] = run.status(after: old, generation: generation)
      } else {
        json.update("status") { $0["ephemeralContainerStatuses"] = run.ephemeralStatuses }
      }
      return json["status"] == old ? nil : StoredObject(json, type: .pods, revision: revision)
    }
  }

  func record(
    _ uid: String, type: String = "Normal", reason: String, message: String, _ container: String?
  ) {
    guard let run = run(uid), let pod = store.object(.pods, run.key)?.json else { return }
    events.record(
      pod, type: type, reason: reason, message: message, container: container, node: run.node)
  }

  /// Writes what the command reads about the pod.
  func writeRecord(_ uid: String) {
    guard let run = run(uid),
      let directory = state.withLock({ $0.settings.file.directory })
    else { return }
    let metadata: JSON = [
      "namespace": .string(run.key.namespace ?? ""), "name": .string(run.key.name),
      "uid": .string(uid),
    ]
    let record: JSON = [
      "pod": ["metadata": metadata, "spec": run.spec], "node": .string(run.realNode),
      "sandbox": .string(run.sandbox), "netns": .string(run.netns),
    ]
    do {
      try Self.writing.withLock { _ in
        try writeAtomically(record.text + "\n", to: "\(directory)/kubelet/\(uid).json")
      }
    } catch {
      Log.write("cannot write the record of pod \(uid): \(error)")
    }
  }

  private static let writing = Mutex(())

  static func makeID() -> String {
    (0..<4).map { _ in
      let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

extension PodRun {
  fileprivate mutating func add(_ container: JSON, isEphemeral: Bool) {
    guard let name = container["name"]?.string else { return }
    containers[name] = ContainerStatus(
      name: name, image: container["image"]?.string ?? "", isEphemeral: isEphemeral,
      volumeMounts: container["volumeMounts"]?.array ?? [])
  }
}
