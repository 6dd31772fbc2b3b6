internal import Base
internal import Cluster

/// Pods as `poddump list` prints them: kubectl's columns, and what a capture wants to know.
struct PodRows {
  let pods: [Pod]
  let showsNamespace: Bool
  /// Seconds since 1970.
  let now: Int

  /// One target per line, as `poddump capture` takes it.
  var names: String {
    var text = ""
    for pod in pods {
      text += showsNamespace ? pod.namespace : "pod"
      text += "/"
      text += pod.name
      text += "\n"
    }
    return text
  }

  func table(wide: Bool) -> String {
    var heading = ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    if wide { heading += ["IP", "NODE", "CONTAINERS"] }
    var table = TextTable(showsNamespace ? ["NAMESPACE"] + heading : heading)
    for pod in pods {
      var row = [
        printable(pod.name), pod.ready, printable(pod.status), String(pod.restarts),
        Age.text(since: pod.created, now: now),
      ]
      if wide {
        row += [
          printable(pod.podIPs.first ?? "<none>"), printable(pod.node ?? "<none>"),
          printable(pod.containers.map(\.name).joined(separator: ",")),
        ]
      }
      table.add(showsNamespace ? [printable(pod.namespace)] + row : row)
    }
    return table.text
  }

  var json: JSONText {
    .array(
      pods.map { pod in
        .object([
          ("namespace", .string(pod.namespace)), ("name", .string(pod.name)),
          ("status", .string(pod.status)), ("phase", .string(pod.phase)),
          ("ready", .string(pod.ready)), ("restarts", .number(pod.restarts)),
          ("created", pod.created.map { .number($0) } ?? .null), ("node", .optional(pod.node)),
          ("podIPs", .strings(pod.podIPs)), ("hostNetwork", .bool(pod.isHostNetwork)),
          ("containers", .strings(pod.containers.map(\.name))),
          ("defaultContainer", .optional(pod.defaultContainer?.name)),
        ])
      })
  }
}

/// Nodes as `poddump list nodes` prints them.
struct NodeRows {
  let nodes: [Node]
  let now: Int

  func table(wide: Bool) -> String {
    var heading = ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    if wide { heading += ["INTERNAL-IP", "ARCH", "CONTAINER-RUNTIME"] }
    var table = TextTable(heading)
    for node in nodes {
      var row = [
        printable(node.name), printable(node.status),
        node.roles.isEmpty ? "<none>" : printable(node.roles.joined(separator: ",")),
        Age.text(since: node.created, now: now), printable(node.kubeletVersion),
      ]
      if wide {
        row += [
          printable(node.address("InternalIP") ?? "<none>"), printable(node.architecture),
          printable(node.containerRuntime),
        ]
      }
      table.add(row)
    }
    return table.text
  }

  var json: JSONText {
    .array(
      nodes.map { node in
        .object([
          ("name", .string(node.name)), ("status", .string(node.status)),
          ("roles", .strings(node.roles)), ("created", node.created.map { .number($0) } ?? .null),
          ("version", .string(node.kubeletVersion)), ("architecture", .string(node.architecture)),
          ("containerRuntime", .string(node.containerRuntime)),
          (
            "addresses",
            .array(
              node.addresses.map {
                .object([("type", .string($0.type)), ("address", .string($0.address))])
              })
          ),
        ])
      })
  }
}

/// Workloads as `poddump list workloads` prints them.
struct WorkloadRows {
  let workloads: [Workload]
  let showsNamespace: Bool
  let now: Int

  var table: String {
    let heading = ["NAME", "READY", "AGE"]
    var table = TextTable(showsNamespace ? ["NAMESPACE"] + heading : heading)
    for workload in workloads {
      let ready = workload.kind == .service ? "-" : "\(workload.ready)/\(workload.desired)"
      let row = [
        printable("\(workload.kind.rawValue)/\(workload.name)"), ready,
        Age.text(since: workload.created, now: now),
      ]
      table.add(showsNamespace ? [printable(workload.namespace)] + row : row)
    }
    return table.text
  }

  var json: JSONText {
    .array(
      workloads.map { workload in
        .object([
          ("kind", .string(workload.kind.title)), ("namespace", .string(workload.namespace)),
          ("name", .string(workload.name)), ("ready", .number(workload.ready)),
          ("desired", .number(workload.desired)),
          ("selector", .optional(workload.selector?.text)),
          ("created", workload.created.map { .number($0) } ?? .null),
        ])
      })
  }
}

/// Ages as kubectl prints them (apimachinery, HumanDuration): two units while the first is small.
enum Age {
  /// - Parameters:
  ///   - created: Seconds since 1970; nil if unknown.
  ///   - now: Seconds since 1970.
  /// - Returns: "3d4h"; "<unknown>" without a time, "<invalid>" for one to come.
  static func text(since created: Int?, now: Int) -> String {
    guard let created else { return "<unknown>" }
    // A second of difference between the clocks is nothing; more is no age.
    guard now - created >= -1 else { return "<invalid>" }
    let seconds = max(0, now - created)
    let minutes = seconds / 60
    let hours = minutes / 60
    let days = hours / 24
    func two(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
      small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }
    if seconds < 120 { return "\(seconds)s" }
    if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
    if hours < 3 { return "\(minutes)m" }
    if hours < 8 { return two(hours, "h", minutes % 60, "m") }
    if hours < 48 { return "\(hours)h" }
    if days < 8 { return two(days, "d", hours % 24, "h") }
    if days < 730 { return "\(days)d" }
    if days < 365 * 8 { return two(days / 365, "y", days % 365, "d") }
    return "\(days / 365)y"
  }
}
