internal import Base
internal import Cluster

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
