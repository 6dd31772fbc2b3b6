/// Works out the READY, STATUS and RESTARTS columns of `kubectl get pods`, which the API server
/// computes for kubectl and gives to nobody else. The rules follow Kubernetes 1.36 (`printPod` in
/// pkg/printers/internalversion).
struct PodStatusPrinter {
  let pod: Pod
  let conditions: [Condition]
  /// In the API's order, which decides whose reason is shown.
  let statuses: [ContainerStatus]
  let initStatuses: [ContainerStatus]

  struct Columns: Equatable {
    var ready = 0
    var total = 0
    var status: String
    var restarts = 0
  }

  func columns() -> Columns {
    var columns = Columns(status: pod.reason ?? pod.phase)
    columns.total =
      pod.containers.count + pod.initContainers.count { $0.role == .sidecar }
    if conditions.contains(where: {
      $0.type == "PodScheduled" && $0.reason == "SchedulingGated"
    }) {
      columns.status = "SchedulingGated"
    }
    let isInitializing = addInitContainers(&columns)
    if !isInitializing || isTrue("Initialized") { addMainContainers(&columns) }
    if pod.deletion != nil {
      if pod.reason == "NodeLost" {
        columns.status = "Unknown"
      } else if !pod.isFinished {
        columns.status = "Terminating"
      }
    }
    return columns
  }

  /// Goes through the init containers up to the first that holds the others up.
  ///
  /// - Returns: Whether there is one.
  private func addInitContainers(_ columns: inout Columns) -> Bool {
    let sidecars = Set(pod.initContainers.filter { $0.role == .sidecar }.map(\.name))
    for (index, status) in initStatuses.enumerated() {
      columns.restarts &+= status.restartCount
      switch status.state {
      case .terminated(_, exitCode: 0):
        continue
      case _ where sidecars.contains(status.name) && status.hasStarted:
        if status.isReady { columns.ready += 1 }
        continue
      case .terminated(let reason, let exitCode):
        columns.status = "Init:" + Self.ending(reason, exitCode, status.signal)
      case .waiting(let reason?, _) where reason != "PodInitializing":
        columns.status = "Init:" + reason
      default:
        columns.status = "Init:\(index)/\(pod.initContainers.count)"
      }
      return true
    }
    return false
  }

  /// Goes through the main containers from the last to the first, so that the first one's trouble is
  /// what is shown.
  private func addMainContainers(_ columns: inout Columns) {
    let sidecars = Set(pod.initContainers.filter { $0.role == .sidecar }.map(\.name))
    columns.restarts = initStatuses.filter { sidecars.contains($0.name) }
      .reduce(0) { $0 &+ $1.restartCount }
    var hasRunning = false
    for status in statuses.reversed() {
      columns.restarts &+= status.restartCount
      switch status.state {
      case .waiting(let reason?, _): columns.status = reason
      case .terminated(let reason, let exitCode):
        columns.status = Self.ending(reason, exitCode, status.signal)
      case .running where status.isReady:
        hasRunning = true
        columns.ready += 1
      default: break
      }
    }
    if columns.status == "Completed", hasRunning {
      columns.status = isTrue("Ready") ? "Running" : "NotReady"
    }
  }

  private func isTrue(_ type: String) -> Bool {
    conditions.contains { $0.type == type && $0.status == "True" }
  }

  private static func ending(_ reason: String?, _ exitCode: Int, _ signal: Int) -> String {
    reason ?? (signal != 0 ? "Signal:\(signal)" : "ExitCode:\(exitCode)")
  }
}
