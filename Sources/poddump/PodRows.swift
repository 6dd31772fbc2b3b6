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
