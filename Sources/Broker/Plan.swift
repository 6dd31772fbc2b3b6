package import Base

/// Where the engine runs, for sentences about it.
package enum EnginePlace: Sendable, Equatable {
  case container
  /// An ephemeral container of ours, by its name.
  case debug(String)
  /// A node, by its name.
  case node(String)

  /// "the container", "node n1".
  var text: String {
    switch self {
    case .container: "the container"
    case .debug(let name): "the ephemeral container \(name)"
    case .node(let name): "node \(name)"
    }
  }
}

/// The decision as data: how packets will be reached, everything that will be run, and how it ends.
///
/// Nothing is started to make one. `poddump plan` prints it, `poddump capture` runs it.
package struct Plan: Sendable, Equatable {
  /// How packets are reached.
  package var route: RouteName
  /// What captures at the far end.
  package var engine: String
  /// Where it runs.
  package var place = EnginePlace.container
  /// What is captured, in words: "shop/web (container web, interface eth0)".
  package var target: String
  /// The name of the interface in a packet file: "shop/web/eth0".
  package var interfaceName: String
  /// The interface captured on, as the far end calls it.
  package var interface: String
  /// The capture filter; empty for none.
  package var filter: String
  /// The engine's command line at the far end.
  package var engineArguments: [String]
  /// The order to the shell at the far end, which becomes the engine inside the stanza; where there is no shell,
  /// what is run there.
  package var remoteArguments: [String]
  /// Whether the engine is known to say its counters when it is asked by SIGUSR1; one that does not know the
  /// signal would be ended by it.
  package var answersCounters = false
  /// What is done before, in order, and undone in reverse.
  package var preparations: [PlanStep] = []
  /// The engine that is put there first; nil where one is there.
  package var placement: Placement?
  /// What is run here; for libssh2, what would do the same.
  package var command: Command
  /// Where the packets are taken and why there, in words; nil inside a container.
  package var point: String?
  /// What carries the connection, in words; nil for kubectl.
  package var connection: String?
  /// The time limit at the far end in seconds; 0 for none.
  package var ttl: Int
  /// What the route needs, in words.
  package var needs: [String]
  /// What somebody should know before the capture starts.
  package var notes: [String]
  /// What ends the far end, and when, in words.
  package var ends: [String]
  /// What the route leaves behind, in words.
  package var leaves: String
}

/// Something that is done beside the capture itself.
package struct PlanStep: Sendable, Equatable {
  /// What it does: "puts tap (x86_64, 91 KiB) into the container".
  package var text: String
  /// What is run for it; nil where the capture's own command does it.
  package var command: Command?
  /// What is written to its standard input, in words; nil for nothing.
  package var input: String?
  /// What becomes part of the cluster by it; nil for nothing.
  package var manifest: String?
  /// How it is undone.
  package var undo: String

  package init(
    _ text: String, command: Command?, input: String? = nil, manifest: String? = nil, undo: String
  ) {
    self.text = text
    self.command = command
    self.input = input
    self.manifest = manifest
    self.undo = undo
  }
}

/// What a route says to a request.
package enum Verdict: Sendable, Equatable {
  /// It can be done, and so.
  case usable(Plan)
  /// It cannot be done, and why.
  case refused(Failure)
}

/// Every route's verdict, in the order in which they were asked, and the choice.
package struct Decision: Sendable, Equatable {
  /// A route and what it says.
  package struct Option: Sendable, Equatable {
    package var route: RouteName
    package var verdict: Verdict
  }

  /// The routes that were considered.
  package var options: [Option]

  /// Collects verdicts.
  package init(options: [Option]) { self.options = options }

  /// The plan of the first route that can be used.
  ///
  /// - Throws: The refusal of the route that was asked for, or one for all.
  package func chosen() throws(Failure) -> Plan {
    for option in options {
      if case .usable(let plan) = option.verdict { return plan }
    }
    throw refusal
  }

  /// Why no route can be used: in the words of the one, or where they all say the same; else in all their
  /// words, one after the other.
  package var refusal: Failure {
    var reasons: [(route: RouteName, failure: Failure)] = []
    for option in options {
      guard case .refused(let failure) = option.verdict,
        !reasons.contains(where: { $0.failure.why == failure.why })
      else { continue }
      reasons.append((option.route, failure))
    }
    guard let first = reasons.first else {
      return Failure(.noRoute, "No route was considered.", fix: "Name one with --route.")
    }
    guard reasons.count > 1 else { return first.failure }
    let kinds = Set(reasons.map(\.failure.kind))
    return Failure(
      kinds.count == 1 ? first.failure.kind : .noRoute, "No route works for this target.",
      why: reasons.map { "By \($0.route.rawValue): \($0.failure.why ?? $0.failure.what)" }
        .joined(separator: " "),
      fix: "What would help, route by route: poddump plan.",
      detail: reasons.compactMap(\.failure.detail).first)
  }
}
