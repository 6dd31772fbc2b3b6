package import Base
package import Cluster
package import SSH

/// How nodes are reached, from the configuration.
package struct NodeAccess: Sendable, Equatable {
  /// What `[ssh]` says for ssh itself.
  package var options = SSHOptions()
  /// A node's host, with `{node}`, `{internalip}`, `{externalip}` and `{hostname}` for what the node has;
  /// nil tries its addresses.
  package var host: String?
  /// Whether the user has said anything about ssh to nodes: nobody's nodes are knocked at unasked.
  package var isConfigured = false
  /// Whether somebody is there to answer a question.
  package var isInteractive = true

  package init() {}

  /// The hosts to try for a node, in order. Pure.
  ///
  /// - Parameters:
  ///   - name: The node's name.
  ///   - hostIP: The address that the pod's status has for its node.
  ///   - node: The node, where somebody asked for it.
  ///   - hasOwnSettings: Whether the user's ssh has settings for a host of the node's name.
  /// - Returns: At least one name or address.
  /// - Throws: `Failure` when there is none.
  package func hosts(
    of name: String, hostIP: String?, node: Node?, hasOwnSettings: Bool
  ) throws(Failure) -> [String] {
    let what = "Cannot reach node \(printable(name, limit: 100)) by ssh."
    if let template = host {
      let values = [
        ("{node}", name), ("{internalip}", node?.address("InternalIP") ?? hostIP),
        ("{externalip}", node?.address("ExternalIP")), ("{hostname}", node?.address("Hostname")),
      ]
      for (place, value) in values where value == nil && template.contains(place) {
        throw Failure(
          .unreachable, what,
          why: "The cluster knows nothing of it to put for \(place) in host of [ssh].",
          fix:
            "See kubectl get node \(printable(name, limit: 100)) -o wide, and change the template."
        )
      }
      // Once through: a value that looks like a place is none.
      var text = ""
      var rest = template[...]
      while !rest.isEmpty {
        if let (place, value) = values.first(where: { rest.hasPrefix($0.0) }), let value {
          text += value
          rest = rest.dropFirst(place.count)
        } else {
          text.append(rest.removeFirst())
        }
      }
      return [text]
    }
    let addresses = [
      hasOwnSettings ? name : nil, hostIP, node?.address("InternalIP"), node?.address("ExternalIP"),
      node?.address("Hostname"),
    ]
    var seen: Set<String> = []
    let hosts = addresses.compactMap(\.self).filter { !$0.isEmpty && seen.insert($0).inserted }
    guard !hosts.isEmpty else {
      throw Failure(
        .unreachable, what, why: "The cluster knows no address of it.",
        fix: "Set host in [ssh] of the configuration, such as host = \"{node}.example\".")
    }
    return hosts
  }

  /// Whether the template or the lack of another address asks for the node itself.
  package func needsNode(hostIP: String?) -> Bool {
    guard let host else { return hostIP == nil }
    return host.contains("{externalip}") || host.contains("{hostname}")
      || host.contains("{internalip}") && hostIP == nil
  }
}

/// How a node was reached: what a plan says about it.
package struct NodeLogin: Sendable, Equatable {
  /// "root@198.51.100.11".
  package var destination: String
  /// What carries the connection.
  package var engine: SSHEngine
  /// Why it is the OpenSSH client, if that was chosen automatically.
  package var note: String?
  /// What reaches the same by the ssh client.
  package var command: Command

  /// Whether sudo may be used there.
  package var usesSudo = true

  package init(destination: String, engine: SSHEngine, note: String? = nil, command: Command) {
    self.destination = destination
    self.engine = engine
    self.note = note
    self.command = command
  }

  /// "ssh to root@198.51.100.11, carried by libssh2 1.10.0".
  package var text: String {
    switch engine {
    case .libssh2: "ssh to \(destination), carried by libssh2 \(SSHLibrary.version)"
    case .openssh:
      "ssh to \(destination), carried by the OpenSSH client"
    }
  }
}
