package import Base
package import Cluster

/// Undoes a change, or finds that there is nothing left to undo.
///
/// - Parameters:
///   - change: What was made.
///   - kubectl: The cluster that it was made in.
///   - hand: Works on nodes; nil where nobody can.
///   - ifUnused: Whether a helper pod is looked into first, and left to a capture that runs in it. Ephemeral
///     containers always are.
/// - Returns: What became of it. Something that is gone, or was replaced by another of the same name, is
///   `gone`.
/// - Throws: `Failure` when it could not be found out or not be done: unreachable, not allowed.
package func undo(
  _ change: FarChange, kubectl: Kubectl, hand: (any NodeHand)? = nil, ifUnused: Bool = false
) async throws(Failure) -> Undone {
  guard change.isValid else {
    return .left("It is not of the form that poddump gives to what it makes.")
  }
  switch change {
  case .pod(let namespace, let name):
    return try await deletePod(kubectl, namespace, name, ifUnused: ifUnused)
  case .file(let namespace, let pod, let uid, let container, let path):
    let place = PlaceInPod(namespace: namespace, pod: pod, uid: uid, container: container)
    return try await removeFile(kubectl, place, path)
  case .ephemeralContainer(let namespace, let pod, let uid, let container):
    let place = PlaceInPod(namespace: namespace, pod: pod, uid: uid, container: container)
    return try await endContainer(kubectl, place)
  case .nodeFile(let node, let path):
    guard let hand else { return .left("It takes a login on the node.") }
    return try await hand.remove(file: path, on: node)
  case .nodeProcess(let node, let pid, let start):
    guard let hand else { return .left("It takes a login on the node.") }
    return try await hand.end(process: pid, start: start, on: node)
  }
}

/// Works on nodes that poddump has been on.
package protocol NodeHand: Sendable {
  /// Removes a file of ours (`FarChange.isOurFile`).
  func remove(file path: String, on node: String) async throws(Failure) -> Undone

  /// Ends a process and all that it started, if it still is the one that was started at that time.
  func end(process pid: Int, start: UInt64, on node: String) async throws(Failure) -> Undone
}

// MARK: - Pods

private func deletePod(
  _ kubectl: Kubectl, _ namespace: String, _ name: String, ifUnused: Bool
) async throws(Failure) -> Undone {
  var reference = PodReference(namespace: namespace, name: name)
  do throws(Failure) {
    let pod = try await kubectl.pod(namespace: namespace, name: name)
    reference = pod.reference
    let container = HelperManifest.container
    if ifUnused, pod.container(named: container)?.state.isRunning == true {
      let place = PlaceInPod(namespace: namespace, pod: name, uid: pod.uid, container: container)
      let ended = try await endUnused(kubectl, place, name: name)
      guard ended == .done else { return ended }
    }
  } catch  where error.kind == .notFound {
    return .gone
  } catch  where error.kind == .denied && !ifUnused {
    // Whoever may delete it need not see it.
  }
  try await kubectl.delete(reference)
  return .done
}

// MARK: - In containers

/// A container of one certain pod.
private struct PlaceInPod: Sendable {
  var namespace: String
  var pod: String
  var uid: String
  var container: String

  /// The container as it is now; nil when it is gone with its pod.
  func find(_ kubectl: Kubectl) async throws(Failure) -> Container? {
    do throws(Failure) {
      let found = try await kubectl.pod(namespace: namespace, name: pod)
      guard found.uid == uid, !found.isFinished else { return nil }
      return found.container(named: container)
    } catch  where error.kind == .notFound {
      return nil
    }
  }
}

/// Removes a file; once more after a moment where that fails, since a container that is being restarted, or ends
/// with its pod, takes along whatever runs in it.
private func removeFile(
  _ kubectl: Kubectl, _ place: PlaceInPod, _ path: String
) async throws(Failure) -> Undone {
  do throws(Failure) {
    let first = try await removeFileOnce(kubectl, place, path)
    guard case .left = first else { return first }
  } catch {
    guard error.kind != .unreachable else { throw error }
  }
  try? await Task.sleep(for: .seconds(1))
  return try await removeFileOnce(kubectl, place, path)
}

/// Whether the file `$1` is gone: the tap removes itself, so that nothing is left to do where there is no rm.
package let goneScript = """
  [ ! -e "$1" ]
  """

private func removeFileOnce(
  _ kubectl: Kubectl, _ place: PlaceInPod, _ path: String
) async throws(Failure) -> Undone {
  guard let container = try await place.find(kubectl) else { return .gone }
  guard container.state.isRunning else {
    return .left("Its container is not running, so that nothing can be removed in it.")
  }
  let what = "Cannot remove \(path) in \(place.namespace)/\(place.pod)\(kubectl.whereText)."
  let end = try await kubectl.execEnd(
    what, namespace: place.namespace, pod: place.pod, container: place.container,
    argv: ["rm", "-f", "--", path])
  switch end {
  case .remoteExit(0): return .done
  case .remoteExit(let code): return .left("rm there ended with exit status \(code).")
  case .failed(let failure) where failure.kind == .noRoute:
    let gone = try? await kubectl.execEnd(
      what, namespace: place.namespace, pod: place.pod, container: place.container,
      argv: ["sh", "-c", goneScript, "gone", path])
    if case .remoteExit(0)? = gone { return .done }
    return .left(failure.why ?? "The container has no rm.")
  case .failed(let failure): throw failure
  }
}

/// Ends a container by ending its first process (`Caretaker`), if nothing else runs in it.
///
/// `$1` and `$2` are what its processes are called, the container's name or the helper pod's, cut in two: the script's own words and those of its grep are
/// then none of those that are looked for. The name stands in the command line of the container's first
/// process and of each process of a capture in it. Where the pod's containers share their processes,
/// process 1 is another's, and in a pod with `hostPID` the node's: what does not have the name in its
/// command line is never ended.
package let endUnusedScript = """
  set -- $(grep -l "$1[-]$2" /proc/[0-9]*/cmdline 2>/dev/null)
  case $# in 0) exit 69 ;; 1) ;; *) exit 75 ;; esac
  p=${1%/cmdline}
  kill "${p#/proc/}"
  """

private func endContainer(
  _ kubectl: Kubectl, _ place: PlaceInPod
) async throws(Failure) -> Undone {
  guard let container = try await place.find(kubectl) else { return .gone }
  switch container.state {
  case .terminated: return .gone
  case .running: break
  case .waiting(let reason, _):
    let words = reason.map { " (\(printable($0, limit: 80)))" } ?? ""
    return .left("It has not been started yet\(words), so that it cannot be ended.")
  case .unknown: return .left("The node has not said yet whether it runs.")
  }
  return try await endUnused(kubectl, place, name: place.container)
}

/// Ends a container that runs, if nothing but its first process is called so.
private func endUnused(
  _ kubectl: Kubectl, _ place: PlaceInPod, name: String
) async throws(Failure) -> Undone {
  let id = String(name.dropFirst(FarChange.prefix.count))
  let what =
    "Cannot end container \(place.container) of \(place.namespace)/\(place.pod)"
    + "\(kubectl.whereText)."
  let end = try await kubectl.execEnd(
    what, namespace: place.namespace, pod: place.pod, container: place.container,
    argv: ["sh", "-c", endUnusedScript, "end", String(FarChange.prefix.dropLast()), id])
  switch end {
  // Whoever ends the container ends with it.
  case .remoteExit(0), .remoteExit(137), .remoteExit(143): return .done
  case .remoteExit(75): return .inUse
  case .remoteExit(69): return .left("None of the processes in it is its own first one.")
  case .remoteExit(let code): return .left("The shell in it ended with exit status \(code).")
  case .failed(let failure) where failure.kind == .noRoute:
    return .left(failure.why ?? "The container has no shell.")
  case .failed(let failure): throw failure
  }
}
