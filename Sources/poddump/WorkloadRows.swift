internal import Base
internal import Cluster

/// Workloads as `poddump list workloads` prints them.
struct WorkloadRows {
  let workloads: [Workload]
  let showsNamespace: Bool
  let now: Int

  /// One target per line, as `poddump capture` takes it.
  var names: String {
    workloads.map { workload in
      (showsNamespace ? "\(workload.namespace)/" : "")
        + "\(workload.kind.rawValue)/\(workload.name)\n"
    }.joined()
  }

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
