internal import Base

/// Reads what tcpdump says on stderr while it starts, runs and ends.
///
/// Lines may arrive in pieces cut anywhere. What is no line of tcpdump's routine is kept as a message:
/// it is the reason when something went wrong.
package struct CaptureStatistics: Sendable, Equatable {
  /// tcpdump's word that it has opened the interface.
  package struct Listening: Sendable, Equatable {
    /// The interface's name.
    package var interface: String
    /// libpcap's name of the link type: "EN10MB".
    package var linkType: String
    /// The most bytes kept of a packet.
    package var snapLength: Int?

    /// What tcpdump says as one value.
    package init(interface: String, linkType: String, snapLength: Int?) {
      self.interface = interface
      self.linkType = linkType
      self.snapLength = snapLength
    }
  }

  /// Set once tcpdump listens.
  package private(set) var listening: Listening?
  /// Packets that tcpdump wrote.
  package private(set) var captured: UInt64?
  /// Packets that passed the filter, written or not.
  package private(set) var receivedByFilter: UInt64?
  /// Packets lost since tcpdump or we were too slow.
  package private(set) var droppedByKernel: UInt64?
  /// Packets lost in the interface, where the driver says so.
  package private(set) var droppedByInterface: UInt64?
  /// All other lines, printable, the first ones if there are many.
  package private(set) var messages: [String] = []
  /// How many further lines were not kept.
  package private(set) var omittedMessages = 0

  private var line: [UInt8] = []

  /// The most lines kept as messages, and the most bytes of each.
  package static let maximumMessages = 20
  package static let maximumLineLength = 1000

  /// Nothing heard yet.
  package init() {}

  /// Packets that were lost, as far as is known.
  package var drops: UInt64 { (droppedByKernel ?? 0) &+ (droppedByInterface ?? 0) }

  /// Whether any of the counters has arrived.
  package var hasCounters: Bool { captured != nil || receivedByFilter != nil }

  /// Takes the next piece of stderr.
  package mutating func take(_ piece: some Sequence<UInt8>) {
    for byte in piece {
      // A running count ("Got 39") ends in a carriage return only.
      if byte == 0x0A || byte == 0x0D {
        endLine()
      } else if line.count < Self.maximumLineLength {
        line.append(byte)
      }
    }
  }

  /// Takes the end of stderr: a last line without its end counts too.
  package mutating func finish() { endLine() }

  private mutating func endLine() {
    let text = String(decoding: line, as: UTF8.self)
    line.removeAll(keepingCapacity: true)
    let words = text.split(separator: " ")
    guard !words.isEmpty, !understand(text) else { return }
    guard messages.count < Self.maximumMessages else {
      omittedMessages += 1
      return
    }
    messages.append(printable(words.joined(separator: " "), limit: 500))
  }

  /// Takes one of tcpdump's own lines; false when it is none.
  private mutating func understand(_ text: String) -> Bool {
    // Both engines say who speaks.
    let speaker = ["tcpdump: ", "tap: "].first(where: text.hasPrefix)
    let body = text.dropFirst(speaker?.count ?? 0)
    if body.hasPrefix("listening on ") { return understandListening(body.dropFirst(13)) }
    for routine in Self.routine where body.hasPrefix(routine) { return true }
    // Asked by SIGUSR1 it says all counters in one line.
    let parts = body.split(separator: ",").map { $0.split(separator: " ") }
    guard parts.allSatisfy({ Self.counter($0) != nil }) else { return false }
    for case let (counter, value)? in parts.map(Self.counter) { self[keyPath: counter] = value }
    return true
  }

  /// Lines that say nothing new: the link type is in "listening on" again.
  private static let routine = [
    "data link type ", "verbose output suppressed", "dropped privs to ", "Got ",
  ]

  /// "eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes"; "capture size" before 4.99.
  private mutating func understandListening(_ text: Substring) -> Bool {
    let parts = text.split(separator: ", ")
    guard let type = parts.first(where: { $0.hasPrefix("link-type ") }), let interface = parts.first
    else { return false }
    let length = parts.last?.split(separator: " ").compactMap { Int($0) }.first
    let name = type.dropFirst(10).prefix { $0 != " " }
    listening = Listening(
      interface: printable(interface, limit: 64), linkType: printable(name, limit: 64),
      snapLength: length)
    return true
  }

  /// The counter that words like "39 packets received by filter" are about.
  private static func counter(
    _ words: [Substring]
  ) -> (WritableKeyPath<CaptureStatistics, UInt64?>, UInt64)? {
    guard let first = words.first, let value = UInt64(first), words.count >= 3,
      words[1] == "packets" || words[1] == "packet"
    else { return nil }
    switch words.dropFirst(2).joined(separator: " ") {
    case "captured": return (\.captured, value)
    case "received by filter": return (\.receivedByFilter, value)
    case "dropped by kernel": return (\.droppedByKernel, value)
    case "dropped by interface": return (\.droppedByInterface, value)
    default: return nil
    }
  }
}
