import Base
import Cluster
import Foundation
import Packets
import Synchronization
import TestSupport

@testable import Broker

extension Decision.Option {
  var isUsable: Bool { if case .usable = verdict { true } else { false } }
}

/// A far end that is a local process: everything but the connection is real.
struct LocalTransport: Transport {
  /// The process groups that were started.
  let groups = Recorded()

  final class Recorded: Sendable {
    private let pids = Mutex<[Int32]>([])
    func add(_ pid: Int32) { pids.withLock { $0.append(pid) } }
    /// What still runs of all that was started.
    var running: [ProcessEntry] {
      pids.withLock { $0 }.flatMap(ProcessTable.group).filter { $0.state != "Z" }
    }
    var count: Int { pids.withLock { $0.count } }
  }

  func command(_ argv: [String]) throws(Failure) -> Command {
    guard let program = argv.first else { throw Failure(.usage, "Nothing to run.") }
    // The far end has a PATH.
    let path = program.contains("/") ? program : (try? Programs.path(program)) ?? program
    return Command(path, Array(argv.dropFirst()))
  }

  func withProcess<R: Sendable>(
    _ argv: [String], errors: @escaping @Sendable (R) -> String,
    _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
  ) async throws(Failure) -> (R, RemoteEnd) {
    let (result, status) = try await withChild(command(argv), grace: .milliseconds(500)) {
      child throws(Failure) in
      groups.add(child.pid)
      return try await body(
        RemoteStreams(input: child.input, output: child.output, errors: child.errors))
    }
    switch status {
    case .exited(let code): return (result, .exited(code))
    case .signalled(let signal):
      return (result, .failed(Failure(.unreachable, "Cut.", why: "Signal \(signal).")))
    }
  }
}

/// A classic pcap file of small packets.
struct Pcap {
  var packets: Int

  static let header: [UInt8] =
    [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 8)
    + [0, 0, 4, 0, 1, 0, 0, 0]

  /// The length of a record in the file.
  static let recordLength = 16 + 60

  static func record(_ number: Int) -> [UInt8] {
    let seconds = UInt32(1_700_000_000 + number)
    let head = [seconds, 0, 60, 60].flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    return head + (0..<60).map { UInt8(truncatingIfNeeded: $0 + number) }
  }

  var bytes: [UInt8] { Self.header + (0..<packets).flatMap(Self.record) }
}

extension Plan {
  /// A plan that runs a shell script, with files and other words as its parameters.
  static func script(
    _ script: String, _ words: [String] = [], ttl: Int = 0, stanza shell: String? = nil
  ) -> Plan {
    let command = ["/bin/sh", "-c", script, "sh"] + words
    let remote = shell.map { Stanza.wrap(command, shell: $0, ttl: ttl) } ?? command
    return Plan(
      route: .exec, engine: "tcpdump", target: "shop/web (container web, interface eth0)",
      interfaceName: "shop/web/eth0", interface: "eth0", filter: "", engineArguments: command,
      remoteArguments: remote, command: Command(remote[0], Array(remote.dropFirst())), ttl: ttl,
      needs: [], notes: [], ends: [], leaves: "nothing")
  }
}

extension RouteTools {
  /// Nothing to bring along, and a cluster that nobody asks.
  static let none = RouteTools(kubectl: Kubectl(executable: "/usr/bin/kubectl"))
}

extension Stanza {
  /// The stanza for a shell that is started with it.
  static func wrap(_ argv: [String], shell: String, ttl: Int) -> [String] {
    [shell, "-c", script, "poddump"] + parameters(argv, ttl: ttl)
  }
}

extension ContainerFacts {
  /// The questions as a script of their own.
  static let script = questions + "\n" + directoryQuestions + "\necho end="
}
