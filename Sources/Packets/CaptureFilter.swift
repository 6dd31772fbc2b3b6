package import Base
internal import CPcap
internal import Dispatch

/// Checks capture filters (pcap-filter(7)) here, before anything is started elsewhere.
package enum CaptureFilter {
  /// The longest filter taken, in bytes: some 200 hosts. libpcap's time grows with the square of the
  /// length, here and again at the far end: at this length 70 to 350 ms were measured.
  package static let maximumLength = 4096

  /// Compiles a filter as the far end will, and throws the result away.
  ///
  /// Nothing is captured and no privilege needed. A filter that names a host (`host web.example`)
  /// makes libpcap ask this machine's resolver; numbers never do.
  ///
  /// - Parameters:
  ///   - text: The filter; an empty one lets everything through and is valid.
  ///   - linkType: What the packets begin with, on which many filters depend.
  ///   - snapLength: The most bytes kept of a packet.
  /// - Throws: `Failure` (`filter`) naming what is wrong, in libpcap's words where they are its own.
  package static func check(
    _ text: String, linkType: LinkType = .ethernet, snapLength: Int = RecordLayout.maximumLength
  ) throws(Failure) {
    try refuseUntypable(text)
    _ = try FilterProgram(text, linkType: linkType, snapLength: snapLength)
  }

  /// Does the same, and waits for the answer no longer than that: a resolver that does not answer holds libpcap up,
  /// which cannot be interrupted.
  ///
  /// - Parameters:
  ///   - text: The filter.
  ///   - linkType: What the packets begin with.
  ///   - patience: The most time it may take.
  /// - Throws: `Failure` (`filter`) as `check` does, and where there is no answer in time.
  package static func check(
    _ text: String, linkType: LinkType = .ethernet, within patience: Duration
  ) async throws(Failure) {
    let verdict = Promise<Result<Void, Failure>>()
    DispatchQueue(label: "poddump.filter").async {
      verdict.give(
        Result { () throws(Failure) in try check(text, linkType: linkType) })
    }
    let giveUp = DispatchWorkItem {
      verdict.give(
        .failure(
          .filter(
            "libpcap has not answered in time: it looks up the names in it, and this machine's resolver does not "
              + "answer.", fix: "Write addresses instead of names.")))
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + (patience / .seconds(1)), execute: giveUp)
    defer { giveUp.cancel() }
    try await verdict.value.get()
  }

  /// The most instructions that the tap takes: the kernel's BPF_MAXINSNS, less those that it puts first
  /// (Sources/Tap/program.h).
  package static let maximumInstructions = 4093

  /// Compiles a filter for the tap, an engine that has no libpcap.
  ///
  /// - Parameters:
  ///   - text: The filter; not empty.
  ///   - linkType: What the packets begin with.
  ///   - snapLength: The most bytes kept of a packet, which the program returns.
  /// - Returns: The instructions of classic BPF (bpf(4)) as `tcpdump -ddd` prints them, with commas for
  ///   line ends: `COUNT,code jt jf k,…`.
  /// - Throws: `Failure` (`filter`) as `check` does, and (`noRoute`) for what is valid for tcpdump alone: the kernel
  ///   takes no program that is longer, and VLAN tags are not in a packet when it is filtered. On Linux libpcap has such
  ///   programs ask the kernel for the tag, but only if they are compiled where they will run.
  package static func program(
    _ text: String, linkType: LinkType, snapLength: Int = RecordLayout.maximumLength
  ) throws(Failure) -> String {
    try refuseUntypable(text)
    let program = try FilterProgram(text, linkType: linkType, snapLength: snapLength)
    func refusal(_ why: String, _ fix: String) -> Failure {
      Failure(
        .noRoute, "The tap cannot use the capture filter.", why: why,
        fix: "Use --engine tcpdump, or \(fix).")
    }
    guard program.count <= maximumInstructions else {
      throw refusal(
        "It comes to \(program.count) instructions, and the kernel takes \(maximumInstructions).",
        "use nets instead of many hosts and ports")
    }
    // A host may have the name, behind a backslash.
    let words = text.lowercased().split { !$0.isLetter && !$0.isNumber && !"\\-_.".contains($0) }
    guard !words.contains("vlan") else {
      throw refusal(
        "It asks for VLAN tags, which the kernel takes out of packets before they are filtered there.",
        "leave vlan out and filter in Wireshark")
    }
    return program.text
  }

  /// Refuses what libpcap would answer with a bare "syntax error", or would never get to see.
  private static func refuseUntypable(_ text: String) throws(Failure) {
    guard text.utf8.count <= maximumLength else {
      throw .filter(
        "It has \(text.utf8.count) bytes; the most is \(maximumLength).",
        fix: "Use nets instead of many hosts, or filter further in Wireshark.")
    }
    for scalar in text.unicodeScalars {
      if let plain = lookalikes[scalar] {
        throw .filter(
          "It contains \(printable(String(scalar))) (\(codePoint(scalar))), which libpcap does not know.",
          fix: plain.isEmpty ? "Leave it out." : "Type \(plain) instead.")
      }
      // A tab is harmless; what ends a line or a string is not part of any filter.
      if scalar.value < 0x20 && scalar != "\t" || scalar.value == 0x7F {
        throw .filter(
          "It contains a control character (\(codePoint(scalar))).", fix: "Write it on one line.")
      }
    }
  }

  /// What word processors, chats and web pages make of the characters that filters are typed with.
  private static let lookalikes: [Unicode.Scalar: String] = [
    "“": "\"", "”": "\"", "„": "\"", "«": "\"", "»": "\"", "″": "\"",
    "‘": "'", "’": "'", "‚": "'", "′": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
    "\u{A0}": "a space", "\u{202F}": "a space", "\u{2009}": "a space", "\u{3000}": "a space",
    "\u{200B}": "", "\u{FEFF}": "",
    "≤": "<=", "≥": ">=", "≠": "!=", "…": "...",
  ]

  private static func codePoint(_ scalar: Unicode.Scalar) -> String {
    "U+" + zeroPadded(scalar.value, 4, radix: 16, uppercase: true)
  }
}

extension Failure {
  fileprivate static func filter(_ why: String, fix: String? = nil) -> Failure {
    Failure(.filter, "The capture filter is not valid.", why: why, fix: fix)
  }
}

/// Owns one compiled capture filter.
private struct FilterProgram: ~Copyable {
  /// The longest filter that is optimised, in bytes.
  private static let longestOptimised = 512

  private var program = bpf_program()

  init(_ text: String, linkType: LinkType, snapLength: Int) throws(Failure) {
    guard let handle = pcap_open_dead(linkType.rawValue, Int32(clamping: snapLength)) else {
      throw Failure(.other, "libpcap is out of memory.")
    }
    defer { pcap_close(handle) }
    // Optimising finds filters that match nothing, which tcpdump refuses, but its time grows with the
    // cube of the length: 8 KiB of `portrange` took a minute, 512 bytes 13 ms.
    let optimise: Int32 = text.utf8.count <= Self.longestOptimised ? 1 : 0
    // tcpdump knows the interface's netmask, so that `ip broadcast` is valid there; the mask itself
    // plays no part in whether a filter is valid.
    guard pcap_compile(handle, &program, text, optimise, 0) == 0 else {
      throw .filter(
        "libpcap says: \(printable(String(cString: pcap_geterr(handle)), limit: 300)).",
        fix: "Write it as for tcpdump, such as 'tcp port 80' (pcap-filter(7)).")
    }
  }

  /// How many instructions it has.
  var count: Int { Int(program.bf_len) }

  /// The instructions in decimal, as `tcpdump -ddd` prints them.
  var text: String {
    let instructions = UnsafeBufferPointer(start: program.bf_insns, count: count)
    return
      ([String(instructions.count)]
      + instructions.map { "\($0.code) \($0.jt) \($0.jf) \($0.k)" }).joined(separator: ",")
  }

  deinit {
    var owned = program
    pcap_freecode(&owned)
  }
}
