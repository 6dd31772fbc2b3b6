/// tcpdump as an engine: its command line, from facts alone.
package enum Tcpdump {
  /// The bytes kept of a packet unless somebody says otherwise.
  ///
  /// In immediate mode libpcap's ring has one frame of this size per packet (TPACKET_V2), so that
  /// tcpdump's own default of 256 KiB leaves room for few packets and loses bursts; no packet on a pod's
  /// interface is larger than 64 KiB unless BIG TCP is on. Batches have no such frames.
  package static func snapLength(throughput: Bool) -> Int { throughput ? 262_144 : 65_535 }

  /// The capture buffer in KiB: an eighth of the container's memory limit, between 1 and 32 MiB, since
  /// the ring may be charged to the container and must never get it killed.
  ///
  /// - Parameter memoryLimit: The container's limit in bytes; nil for none.
  /// - Returns: What `-B` takes.
  package static func bufferKiB(memoryLimit: Int?) -> Int {
    guard let memoryLimit, memoryLimit > 0 else { return 32 * 1024 }
    return max(1024, min(32 * 1024, memoryLimit / 8 / 1024))
  }

  /// The command line (tcpdump(1)).
  ///
  /// - Parameters:
  ///   - program: Where tcpdump is.
  ///   - request: What was asked for. The filter is one word, as tcpdump joins its words anyway.
  ///   - interface: The interface to capture on.
  ///   - facts: Decide whether tcpdump must keep its user: started as root, Debian's changes to a
  ///     user `tcpdump`, which a shell without CAP_KILL can no longer signal.
  ///   - memoryLimit: The container's memory limit in bytes.
  /// - Returns: The program and its arguments.
  package static func arguments(
    program: String, request: CaptureRequest, interface: String, facts: ContainerFacts,
    memoryLimit: Int?
  ) -> [String] {
    let snapLength = request.snapLength ?? snapLength(throughput: request.throughput)
    var words = [program, "-i", interface, "-U"]
    if !request.throughput { words.append("--immediate-mode") }
    words += ["-B", String(bufferKiB(memoryLimit: memoryLimit)), "-s", String(snapLength)]
    if let count = request.count { words += ["-c", String(count)] }
    if keepsUser(facts) { words += ["-Z", "root"] }
    words += ["-w", "-"]
    if !request.filter.isEmpty { words += ["--", request.filter] }
    return words
  }

  /// Whether a tcpdump is certain to say its counters at SIGUSR1: on Linux those of this millennium's second
  /// decade do (since 3.9 by its change log); the signal ends one that does not. A program that does not say
  /// its version is not asked.
  ///
  /// - Parameter version: The first line of its `--version`: "tcpdump version 4.99.3".
  /// - Returns: False also where nobody knows.
  static func answersCounters(_ version: String?) -> Bool {
    let words = version?.split(separator: " ") ?? []
    guard words.count >= 3, words[0] == "tcpdump", words[1] == "version" else { return false }
    let numbers = words[2].split { !$0.isASCII || !$0.isNumber }.prefix(2).compactMap { Int($0) }
    guard numbers.count == 2, words[2].first?.isNumber == true else { return false }
    return (numbers[0], numbers[1]) >= (4, 9)
  }

  private static func keepsUser(_ facts: ContainerFacts) -> Bool {
    guard facts.uid == 0, let effective = facts.effective else { return false }
    let change = Capability.setuid | Capability.setgid
    return effective & Capability.kill == 0 && effective & change == change
  }
}
