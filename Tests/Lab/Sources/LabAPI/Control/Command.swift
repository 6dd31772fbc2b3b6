internal import Foundation

/// The command `lab-api`.
package enum LabAPICommand {
  package static let usage = """
    usage: lab-api --state DIR [--listen HOST:PORT]...
           lab-api fault NAME [ARGUMENT] --state DIR
           lab-api requests [--clear] --state DIR
           lab-api drain|undrain NODE --state DIR
           lab-api delete NAMESPACE/POD --state DIR
           lab-api reload --state DIR
           lab-api user NAME RULES.json --state DIR

    A stand-in for the Kubernetes API server, for the lab that DIR/lab.json describes. It writes
    DIR/api.pid, DIR/api.port and, when it is ready, DIR/kubeconfig. SIGHUP reads lab.json again.

    Faults: slow MS, black-hole on|off, refuse, reset, expired, extra-pods N, clear.
    """

  /// Runs the command; does not return while the server runs.
  package static func main(_ arguments: [String]) async {
    do {
      let options = try Options(arguments)
      if options.words.isEmpty {
        try await ServerCommand(options).run()
      } else {
        let reply = try ControlClient.send(
          options.words.joined(separator: " "), state: options.state)
        FileHandle.standardOutput.write(Data(reply.utf8))
      }
    } catch {
      Log.write("\(error)")
      exit(error is UsageError ? 2 : 1)
    }
  }

  package struct UsageError: Error, CustomStringConvertible {
    package var description: String { LabAPICommand.usage }
  }

  struct Options {
    var state = ""
    var listen: [(host: String, port: Int)] = []
    /// A request to a server that runs: `fault slow 20`, `requests`, `requests --clear`.
    var words: [String] = []

    private static let requests = [
      "fault", "requests", "drain", "undrain", "user", "delete", "reload",
    ]

    init(_ arguments: [String]) throws {
      var rest = arguments[...]
      while let argument = rest.popFirst() {
        switch argument {
        case "--state":
          guard let value = rest.popFirst() else { throw UsageError() }
          state = value
        case "--listen":
          guard let value = rest.popFirst(), let colon = value.lastIndex(of: ":"),
            let port = Int(value[value.index(after: colon)...])
          else { throw UsageError() }
          listen.append((String(value[..<colon]), port))
        case "--help", "-h":
          FileHandle.standardOutput.write(Data((LabAPICommand.usage + "\n").utf8))
          exit(0)
        default: words.append(argument)
        }
      }
      guard !state.isEmpty else { throw UsageError() }
      if let first = words.first,
        !Self.requests.contains(first)
      {
        throw UsageError()
      }
      if words.isEmpty, listen.isEmpty { listen = [("127.0.0.1", 0)] }
    }
  }
}
