internal import Base
internal import Packets

/// Our own engine's command line (poddump-tap(1)), from facts alone. It does for itself what the stanza
/// does for others: it reads heartbeats, answers them, and ends at the end of input, after silence, and at its time
/// limit.
package enum Tap {
  /// The command line.
  ///
  /// - Parameters:
  ///   - program: Where the tap is.
  ///   - request: What was asked for.
  ///   - interface: The interface to capture on.
  ///   - filter: The filter, as it was put together.
  ///   - memoryLimit: The far end's memory limit in bytes; nil lets the tap ask its cgroup.
  ///   - unlinks: Whether it removes its own file as soon as it runs.
  /// - Returns: The program and its arguments.
  /// - Throws: `Failure` when the filter cannot be compiled here, or is none for the tap.
  static func arguments(
    program: String, request: CaptureRequest, interface: String, filter: String,
    memoryLimit: Int?, unlinks: Bool
  ) throws(Failure) -> [String] {
    let snapLength = request.snapLength ?? Tcpdump.snapLength(throughput: request.throughput)
    var words = [program, "-i", interface, "-s", String(snapLength), "--format", "pcap"]
    if let count = request.count { words += ["--count", String(count)] }
    words += ["--ttl", Stanza.parameters([], ttl: request.ttl)[0]]
    words += ["--silence", String(Stanza.silence)]
    if let memoryLimit {
      words += ["--buffer", String(Tcpdump.bufferKiB(memoryLimit: memoryLimit))]
    }
    for (linkType, program) in try programs(filter) {
      words += ["--filter", "\(linkType):\(program)"]
    }
    if unlinks { words.append("--unlink") }
    return words + ["-w", "-"]
  }

  /// The filter for the link types that interfaces there can have: Ethernet, and no link layer at all
  /// (tunnels), where the filter makes sense for that.
  private static func programs(_ filter: String) throws(Failure) -> [(UInt32, String)] {
    guard !filter.isEmpty else { return [] }
    var programs = [(UInt32(1), try CaptureFilter.program(filter, linkType: .ethernet))]
    if let raw = try? CaptureFilter.program(filter, linkType: .raw) { programs.append((12, raw)) }
    return programs
  }

  /// What somebody should know before it captures on an interface.
  static func notes(interface: String) -> [String] {
    interface == "any"
      ? ["Interfaces without a link layer, such as tunnels, are left out of any: name one with -i."]
      : []
  }

  /// What ends it and when, in words.
  static func endings(connection: String, ttl: Int) -> [String] {
    Stanza.endings(
      connection: connection, timesReads: true, by: "the tap misses the heartbeats", ttl: ttl)
  }
}
