internal import Foundation
internal import Synchronization

/// The life of one container: its image, its start, its end, and perhaps another start.
extension Kubelet {
  /// What has to be known to run a container.
  private struct Order {
    var uid: String
    var name: String
    var spec: JSON
    var path: String
    var isEphemeral: Bool
  }

  /// Runs a container on a thread of its own, which has been counted as active.
  func startThread(_ uid: String, _ container: JSON, isEphemeral: Bool) {
    let name = container["name"]?.string ?? ""
    let order = Order(
      uid: uid, name: name, spec: container,
      path: isEphemeral ? "spec.ephemeralContainers{\(name)}" : "spec.containers{\(name)}",
      isEphemeral: isEphemeral)
    Thread.detachNewThread { [self] in
      carryOut(order)
      let isLast = state.withLock { state in
        state.pods[uid]?.active -= 1
        return state.pods[uid].map { $0.isOwn && $0.active == 0 && $0.hasEnded } ?? false
      }
      publish(uid)
      if isLast { removeSandbox(uid) }
    }
  }

  private func carryOut(_ order: Order) {
    var crashes = 0
    while isWanted(order.uid) {
      guard let image = pull(order), isWanted(order.uid) else { return }
      if let complaint = userComplaint(order) {
        record(
          order.uid, type: "Warning", reason: "Failed", message: "Error: \(complaint)", order.path)
        set(order) { $0.state = ContainerStatus.waiting("CreateContainerConfigError", complaint) }
        return
      }
      let code = runOnce(order, image: image)
      let policy = run(order.uid)?.spec["restartPolicy"]?.string ?? "Always"
      guard !order.isEphemeral, isWanted(order.uid),
        policy == "Always" || (policy == "OnFailure" && code != 0)
      else { return }
      crashes += 1
      // The first restart comes at once, later ones after 10 s, 20 s, … 5 min.
      guard crashes == 1 || backOff(order, seconds: min(300, 10 << min(crashes - 2, 5))) else {
        return
      }
      set(order) { status in
        status.lastState = status.state["terminated"] != nil ? status.state : status.lastState
        status.state = ContainerStatus.waiting("ContainerCreating")
        status.restartCount += 1
      }
    }
  }

  private func backOff(_ order: Order, seconds: Int) -> Bool {
    guard let run = run(order.uid) else { return false }
    let pod = "\(run.key.name)_\(run.key.namespace ?? "")(\(order.uid))"
    record(
      order.uid, type: "Warning", reason: "BackOff",
      message: "Back-off restarting failed container \(order.name) in pod \(pod)", order.path)
    set(order) { status in
      status.lastState = status.state
      status.state = ContainerStatus.waiting(
        "CrashLoopBackOff",
        "back-off \(seconds)s restarting failed container=\(order.name) pod=\(pod)")
    }
    return pause(order.uid, seconds: Double(seconds))
  }

  /// Waits, unless the pod is to end meanwhile.
  private func pause(_ uid: String, seconds: Double) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
      guard isWanted(uid) else { return false }
      Thread.sleep(forTimeInterval: min(0.1, max(0, end.timeIntervalSinceNow)))
    }
    return isWanted(uid)
  }

  private func set(_ order: Order, _ change: (inout ContainerStatus) -> Void) {
    state.withLock { state in
      guard var status = state.pods[order.uid]?.containers[order.name] else { return }
      change(&status)
      state.pods[order.uid]?.containers[order.name] = status
    }
    publish(order.uid)
  }

  // MARK: The image

  /// Gets the image; as long as nobody has it, tries again.
  /// - Returns: its name in images.sh; nil if the pod ends before.
  private func pull(_ order: Order) -> String? {
    let text = order.spec["image"]?.string ?? ""
    guard let reference = ImageReference(text) else {
      let complaint =
        "Failed to apply default image tag \"\(text)\": couldn't parse image name \"\(text)\": "
        + "invalid reference format"
      record(order.uid, type: "Warning", reason: "InspectFailed", message: complaint, order.path)
      record(
        order.uid, type: "Warning", reason: "Failed", message: "Error: InvalidImageName",
        order.path)
      set(order) { $0.state = ContainerStatus.waiting("InvalidImageName", complaint) }
      return nil
    }
    let images = state.withLock { Set($0.settings.file.images ?? []) }
    let found = reference.resolved(images: images)
    let policy = order.spec["imagePullPolicy"]?.string ?? "IfNotPresent"
    if let found, found.seconds == 0, policy != "Always" {
      record(
        order.uid, reason: "Pulled",
        message: "Container image \"\(text)\" already present on machine and can be accessed by "
          + "the pod", order.path)
      return found.name
    }
    guard policy != "Never" else {
      let complaint = "Container image \"\(text)\" is not present with pull policy of Never"
      record(
        order.uid, type: "Warning", reason: "ErrImageNeverPull", message: complaint, order.path)
      record(
        order.uid, type: "Warning", reason: "Failed", message: "Error: ErrImageNeverPull",
        order.path)
      set(order) { $0.state = ContainerStatus.waiting("ErrImageNeverPull", complaint) }
      return nil
    }
    record(order.uid, reason: "Pulling", message: "Pulling image \"\(text)\"", order.path)
    guard let found else {
      failToPull(order, reference)
      return nil
    }
    guard pause(order.uid, seconds: Double(found.seconds)) else { return nil }
    let took = found.seconds == 0 ? "12ms" : "\(found.seconds)s"
    record(
      order.uid, reason: "Pulled",
      message: "Successfully pulled image \"\(text)\" in \(took) (\(took) including waiting). "
        + "Image size: 1037067 bytes.", order.path)
    return found.name
  }

  /// Says that nobody has the image, again and again until the pod ends.
  private func failToPull(_ order: Order, _ image: ImageReference) {
    let complaint =
      "rpc error: code = NotFound desc = failed to pull and unpack image \"\(image.canonical)\": "
      + "failed to resolve reference \"\(image.canonical)\": \(image.canonical): not found"
    var delay = 10.0
    repeat {
      record(
        order.uid, type: "Warning", reason: "Failed",
        message: "Failed to pull image \"\(image.text)\": \(complaint)", order.path)
      record(
        order.uid, type: "Warning", reason: "Failed", message: "Error: ErrImagePull", order.path)
      set(order) { $0.state = ContainerStatus.waiting("ErrImagePull", complaint) }
      guard pause(order.uid, seconds: 1.5) else { return }
      record(
        order.uid, reason: "BackOff", message: "Back-off pulling image \"\(image.text)\"",
        order.path)
      record(
        order.uid, type: "Warning", reason: "Failed", message: "Error: ImagePullBackOff",
        order.path)
      set(order) {
        $0.state = ContainerStatus.waiting(
          "ImagePullBackOff",
          "Back-off pulling image \"\(image.text)\": ErrImagePull: \(complaint)")
      }
      guard pause(order.uid, seconds: delay) else { return }
      delay = min(300, delay * 2)
      record(
        order.uid, reason: "Pulling", message: "Pulling image \"\(image.text)\"", order.path)
    } while isWanted(order.uid)
  }

  // MARK: The container

  /// Numbers of user and group, as far as somebody has set them.
  private func user(_ order: Order) -> (user: Int?, group: Int?) {
    let pod = run(order.uid)?.spec["securityContext"]
    func number(_ name: String) -> Int? {
      order.spec[path: ["securityContext", name]]?.integer ?? pod?[name]?.integer
    }
    return (number("runAsUser"), number("runAsGroup"))
  }

  /// Why a container that must not run as root cannot run; all images of the lab are root's.
  private func userComplaint(_ order: Order) -> String? {
    guard let run = run(order.uid) else { return nil }
    let must =
      order.spec[path: ["securityContext", "runAsNonRoot"]]?.bool
      ?? run.spec[path: ["securityContext", "runAsNonRoot"]]?.bool ?? false
    guard must else { return nil }
    let who =
      "(pod: \"\(run.key.name)_\(run.key.namespace ?? "")(\(order.uid))\", "
      + "container: \(order.name))"
    switch user(order).user {
    case nil: return "container has runAsNonRoot and image will run as root \(who)"
    case 0: return "container's runAsUser breaks non-root policy \(who)"
    default: return nil
    }
  }

  /// Starts the container and waits for its end.
  /// - Returns: its exit code.
  private func runOnce(_ order: Order, image: String) -> Int {
    let id = Self.makeID()
    var started = Timestamp.now
    var failure: String?
    writeRecord(order.uid)
    var arguments = ["run", order.uid, order.name, id, image]
    if let target = order.spec["targetContainerName"]?.string, !target.isEmpty,
      let real = containerID(order.uid, target)
    {
      arguments.append(real)
    }
    record(order.uid, reason: "Created", message: "Container created", order.path)
    let code = command.run(arguments) { line in
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      if words.first == "started" {
        started = Timestamp.now
        begin(order, id: id, pid: words.dropFirst().first.flatMap { Int32($0) }, started)
      } else if words.first == "failed" {
        failure = Self.startMessage(words.dropFirst().first ?? "", order.spec)
      }
    }
    state.withLock { _ = $0.pods[order.uid]?.real.removeValue(forKey: order.name) }
    let containerID = "containerd://\(id)"
    if let failure {
      record(
        order.uid, type: "Warning", reason: "Failed", message: "Error: \(failure)", order.path)
      set(order) { status in
        status.containerID = containerID
        status.state = ContainerStatus.terminated(
          code: 128, reason: "StartError", message: failure, started: Timestamp(seconds: 0),
          containerID: containerID)
      }
      return 128
    }
    set(order) {
      $0.state = ContainerStatus.terminated(code: code, started: started, containerID: containerID)
    }
    return code
  }

  private func begin(_ order: Order, id: String, pid: Int32?, _ started: Timestamp) {
    var real = LabFile.Container(
      name: order.name, image: order.spec["image"]?.string ?? "", state: "running")
    real.containerID = "containerd://\(id)"
    real.pid = pid == 0 ? nil : pid
    let (user, group) = user(order)
    let noNewPrivileges =
      order.spec[path: ["securityContext", "allowPrivilegeEscalation"]]?.bool == false
    state.withLock { state in
      let node = state.pods[order.uid]?.realNode ?? ""
      let prefix = (state.settings.file.kubelet?.exec ?? []).map { $0 == "@NODE@" ? node : $0 }
      real.exec =
        prefix + ["--user", "\(user ?? 0):\(group ?? 0)"]
        + (noNewPrivileges ? ["--no-new-privs"] : []) + [id]
      state.pods[order.uid]?.real[order.name] = real
    }
    record(order.uid, reason: "Started", message: "Container started", order.path)
    set(order) { status in
      status.containerID = real.containerID
      status.state = ["running": ["startedAt": started.json]]
    }
    // The pod was told to end while this was being started.
    if run(order.uid)?.isEnding ?? true {
      let stop = ["stop", id, "0"]
      Thread.detachNewThread { [command] in command.run(stop) }
    }
  }

  private func containerID(_ uid: String, _ name: String) -> String? {
    let id = state.withLock { state in
      state.pods[uid]?.real[name]?.containerID
        ?? state.settings.file.pods.first { $0.uid == uid }?.containers
        .first { $0.name == name }?.containerID
    }
    return id?.split(separator: "/").last.map(String.init)
  }

  /// A runtime's complaint about a container that it cannot start, in the words of containerd and
  /// runc, as recorded; what is not understood stays as it is.
  private static func startMessage(_ complaint: String, _ container: JSON) -> String {
    let words = (container["command"]?.array ?? []) + (container["args"]?.array ?? [])
    let program = words.first?.string ?? ""
    var cause = complaint
    if complaint.contains("executable file") || complaint.contains("No such file") {
      cause =
        "unable to start container process: exec: \"\(program)\": "
        + (program.contains("/")
          ? "stat \(program): no such file or directory"
          : "executable file not found in $PATH")
    }
    return "failed to create containerd task: failed to create shim task: OCI runtime create "
      + "failed: runc create failed: \(cause): unknown"
  }
}
