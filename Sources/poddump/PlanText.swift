internal import Base
internal import Broker
internal import SSH

/// A decision as `poddump plan` prints it, for people and as data.
struct PlanText {
  let decision: Decision

  /// For people.
  var text: String {
    var text = ""
    for option in decision.options {
      switch option.verdict {
      case .usable(let plan): text += "route \(option.route.rawValue): usable (\(plan.engine))\n"
      case .refused(let failure):
        text += "route \(option.route.rawValue): refused. \(failure.why ?? failure.what)"
        text += failure.fix.map { " \($0)\n" } ?? "\n"
      }
    }
    guard let plan = try? decision.chosen() else { return text + "\nNothing would be run.\n" }
    text += """

      Would capture from \(plan.target) by \(plan.route.rawValue).

      """
    for step in plan.preparations {
      text += "  first   \(step.text)\n"
      if let input = step.input { text += "  stdin   \(input)\n" }
      text += "  undone  \(step.undo)\n"
    }
    text += "  there   \(ShellWord.join(plan.engineArguments))\n"
    if let point = plan.point { text += "  on      \(point)\n" }
    if let connection = plan.connection { text += "  by      \(connection)\n" }
    text += """
        needs   \(plan.needs.joined(separator: "; "))
        leaves  \(plan.leaves)
        ends

      """
    for end in plan.ends { text += "          \(end)\n" }
    for note in plan.notes { text += "  note    \(note)\n" }
    // Last, since they hold whole scripts.
    text += "\nWould run here:\n"
    for step in plan.preparations {
      guard let command = step.command else { continue }
      text += "\n\(Self.commandLine(command))\n"
      if let manifest = step.manifest { text += "with this on its standard input:\n\(manifest)\n" }
    }
    text += "\n\(Self.commandLine(plan.command))\n"
    return text
  }

  /// The same as data.
  var json: JSONText {
    let routes = decision.options.map { option -> JSONText in
      switch option.verdict {
      case .usable:
        .object([("route", .string(option.route.rawValue)), ("usable", .bool(true))])
      case .refused(let failure):
        .object([
          ("route", .string(option.route.rawValue)), ("usable", .bool(false)),
          ("what", .string(failure.what)), ("why", .optional(failure.why)),
          ("fix", .optional(failure.fix)),
        ])
      }
    }
    let chosen: JSONText = (try? decision.chosen()).map(Self.json) ?? .null
    return .object([("routes", .array(routes)), ("chosen", chosen)])
  }

  private static func json(_ plan: Plan) -> JSONText {
    .object([
      ("route", .string(plan.route.rawValue)), ("engine", .string(plan.engine)),
      ("target", .string(plan.target)), ("point", .optional(plan.point)),
      ("connection", .optional(plan.connection)), ("interface", .string(plan.interface)),
      ("filter", .string(plan.filter)),
      (
        "first",
        .array(
          plan.preparations.map { step in
            .object([
              ("does", .string(step.text)),
              (
                "here",
                step.command.map { .strings([$0.executable] + $0.arguments) } ?? .null
              ),
              ("stdin", .optional(step.input)), ("manifest", .optional(step.manifest)),
              ("undone", .string(step.undo)),
            ])
          })
      ), ("there", .strings(plan.engineArguments)),
      ("here", .strings([plan.command.executable] + plan.command.arguments)),
      ("ttl", .number(plan.ttl)), ("needs", .strings(plan.needs)),
      ("notes", .strings(plan.notes)), ("ends", .strings(plan.ends)),
      ("leaves", .string(plan.leaves)),
    ])
  }

  /// The command line for people: it can be pasted into a shell as it is.
  private static func commandLine(_ command: Command) -> String {
    ShellWord.join([command.executable] + command.arguments)
  }
}
