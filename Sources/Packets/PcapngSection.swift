package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A moment, in nanoseconds since 1970.
package struct WallTime: Sendable, Equatable {
  /// Nanoseconds since 1970-01-01 00:00 UTC.
  package let nanoseconds: UInt64

  /// The moment that many nanoseconds after the start of 1970.
  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The present moment, by the system's clock.
  package static var now: WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }
}

/// What a pcapng file says about itself in its section header.
package struct PcapngSection: Sendable, Equatable {
  /// The machine that wrote the file (shb_hardware): "x86_64".
  package var hardware: String?
  /// Its operating system (shb_os): "Linux 6.1.0".
  package var system: String?
  /// The program that wrote the file (shb_userappl): "poddump 1.0".
  package var application: String
  /// Remarks for people: route, command.
  package var comments: [String]

  /// Describes a section.
  package init(
    hardware: String? = nil, system: String? = nil, application: String, comments: [String] = []
  ) {
    self.hardware = hardware
    self.system = system
    self.application = application
    self.comments = comments
  }

  /// The section of a file written here, by this machine's own words (uname(2)).
  package static func here(application: String, comments: [String] = []) -> PcapngSection {
    var names = utsname()
    guard uname(&names) == 0 else {
      return PcapngSection(application: application, comments: comments)
    }
    let system = "\(text(of: names.sysname)) \(text(of: names.release))"
    return PcapngSection(
      hardware: text(of: names.machine), system: system, application: application,
      comments: comments)
  }

  /// The text in one of uname's arrays of characters, which Swift sees as tuples.
  private static func text(of field: some BitwiseCopyable) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// What a pcapng file says about the interface its packets came from.
package struct PcapngInterface: Sendable, Equatable {
  /// The name (if_name): "shop/web/eth0".
  package var name: String
  /// For people (if_description): pod, node, context.
  package var description: String?
  /// The capture filter in libpcap's language (if_filter).
  package var filter: String?
  /// The operating system of the machine that captured (if_os).
  package var system: String?
  /// Remarks for people: route, command.
  package var comments: [String]

  /// Describes an interface.
  package init(
    name: String, description: String? = nil, filter: String? = nil, system: String? = nil,
    comments: [String] = []
  ) {
    self.name = name
    self.description = description
    self.filter = filter
    self.system = system
    self.comments = comments
  }
}

/// The counters of an interface statistics block.
package struct PcapngStatistics: Sendable, Equatable {
  /// When the capture began (isb_starttime).
  package var start: WallTime?
  /// When it ended, or when the counters were read (the block's time and isb_endtime).
  package var end: WallTime
  /// Packets the interface saw (isb_ifrecv).
  package var received: UInt64?
  /// Packets lost (isb_ifdrop), the counter that Wireshark shows.
  package var droppedByInterface: UInt64?
  /// Packets the filter let through (isb_filteraccept).
  package var acceptedByFilter: UInt64?
  /// Packets the operating system lost (isb_osdrop).
  package var droppedBySystem: UInt64?
  /// Packets that reached the file (isb_usrdeliv).
  package var delivered: UInt64?
  /// Remarks for people: that the capture was cut, and why.
  package var comments: [String]

  /// Collects counters by hand.
  package init(
    start: WallTime? = nil, end: WallTime, received: UInt64? = nil,
    droppedByInterface: UInt64? = nil, acceptedByFilter: UInt64? = nil,
    droppedBySystem: UInt64? = nil, delivered: UInt64? = nil, comments: [String] = []
  ) {
    self.start = start
    self.end = end
    self.received = received
    self.droppedByInterface = droppedByInterface
    self.acceptedByFilter = acceptedByFilter
    self.droppedBySystem = droppedBySystem
    self.delivered = delivered
    self.comments = comments
  }

  /// Collects counters from tcpdump's last words.
  ///
  /// The kernel's drops are counted as the system's (isb_osdrop) and once more, with the interface's
  /// own, as isb_ifdrop: dumpcap does so, and it is the one counter that Wireshark shows.
  package init(
    _ counters: CaptureStatistics, delivered: Int, start: WallTime? = nil, end: WallTime,
    comments: [String] = []
  ) {
    let drops = [counters.droppedByKernel, counters.droppedByInterface].compactMap(\.self)
    self.init(
      start: start, end: end, received: counters.receivedByFilter,
      droppedByInterface: drops.isEmpty ? nil : drops.reduce(0) { $0 &+ $1 },
      acceptedByFilter: counters.receivedByFilter, droppedBySystem: counters.droppedByKernel,
      delivered: UInt64(clamping: delivered), comments: comments)
  }
}

extension Sink {
  /// Begins a pcapng stream with its section header.
  ///
  /// - Parameters:
  ///   - section: What the file says about itself.
  ///   - stop: The bell that ends waiting for a reader.
  /// - Returns: What became of the section header.
  /// - Throws: `Failure` naming the sink when it cannot be written.
  package func begin(_ section: PcapngSection, stop: Bell) throws(Failure) -> WriteOutcome {
    var block: [UInt8] = []
    PcapngWriter.append(section, to: &block)
    return try begin(block, framing: .pcapng, stop: stop)
  }

  /// Begins a pcapng stream with its section header, once the first interface is known.
  package func beginWithFirstInterface(_ section: PcapngSection) {
    var block: [UInt8] = []
    PcapngWriter.append(section, to: &block)
    beginWithFirstInterface(block)
  }
}
