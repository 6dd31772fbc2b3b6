package import Base
internal import CPcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The unit of a capture's timestamps.
package enum TimestampResolution: Sendable, Equatable {
  case microseconds
  case nanoseconds

  /// How many of them make a second.
  package var unitsPerSecond: UInt64 { self == .microseconds ? 1_000_000 : 1_000_000_000 }
  /// The exponent pcapng's if_tsresol wants: units of 10⁻ⁿ seconds.
  package var exponent: UInt8 { self == .microseconds ? 6 : 9 }
}

/// How the records of a classic pcap stream are laid out.
package struct RecordLayout: Sendable, Equatable {
  /// Whether the numbers are in the byte order that this machine does not use.
  package let isSwapped: Bool
  /// Bytes before a packet's data: 16, or 24 with the extra fields of Kuznetzov's patched libpcap.
  package let headerLength: Int

  /// The longest packet a record may hold, in bytes: libpcap's MAXIMUM_SNAPLEN and Wireshark's
  /// limit as well. More is taken for junk; it also bounds the memory a hostile length can ask for.
  package static let maximumLength = 262_144
}

/// The header of a classic pcap stream (pcap-savefile(5)), as read by libpcap.
///
/// libpcap's word decides what is a capture; our own code only tells by the magic number which of
/// the variants it is, since libpcap does not say so.
package struct PcapHeader: Sendable, Equatable {
  /// The length of the header, in bytes.
  package static let length = 24

  /// The header as it came, for passing on.
  package let bytes: [UInt8]
  /// What the packets begin with.
  package let linkType: LinkType
  /// The LINKTYPE_ value as it stands in the file, which pcapng's interface block repeats.
  package let fileLinkType: UInt16
  /// The most bytes of a packet that were kept, by libpcap's reading; absurd values are capped at
  /// `RecordLayout.maximumLength`.
  package let snapLength: Int
  /// The unit of the timestamps.
  package let resolution: TimestampResolution
  /// The bits of frame check sequence at the end of each packet, where the header says so.
  package let frameCheckBits: UInt8?
  /// How the records are laid out.
  package let layout: RecordLayout

  /// Reads a header.
  ///
  /// - Parameter bytes: The first 24 bytes of the stream.
  /// - Throws: `Failure` (`other`) in libpcap's words when it is none.
  package init(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count == Self.length, let variant = Variant(bytes.span.bytes) else {
      throw .notACapture("It does not begin with the magic number of a pcap file.")
    }
    let reading = try Reading(bytes)
    // What came before 2.4 (1998) sometimes swapped the two lengths of a record.
    guard reading.version == (2, 4) else {
      let (major, minor) = reading.version
      throw .notACapture("Its pcap format is version \(major).\(minor); only 2.4 is read.")
    }
    let field: UInt32 = bytes.span.bytes.load(20, swapped: reading.isSwapped)
    // Bits 16 to 25 are reserved; above them stands the frame check sequence's length.
    guard field & 0x03FF_0000 == 0 else {
      throw .notACapture("Its link type \(field & 0x03FF_FFFF) does not exist.")
    }
    self.bytes = bytes
    linkType = LinkType(rawValue: reading.linkType)
    fileLinkType = UInt16(truncatingIfNeeded: field)
    snapLength = reading.snapLength
    resolution = variant.resolution
    // In units of 16 bits, valid when the bit below says so.
    frameCheckBits = field & 0x0400_0000 == 0 ? nil : UInt8(field >> 28) * 16
    layout = RecordLayout(isSwapped: reading.isSwapped, headerLength: variant.headerLength)
  }
}

extension PcapHeader {
  /// The kinds of classic pcap that libpcap reads, by magic number.
  struct Variant: Sendable, Equatable {
    let resolution: TimestampResolution
    let headerLength: Int

    /// The variant that begins with these bytes, nil when they are no magic number.
    init?(_ bytes: RawSpan) {
      guard bytes.byteCount >= 4 else { return nil }
      let magic: UInt32 = bytes.load(0, swapped: false)
      switch magic {
      case 0xA1B2_C3D4, 0xD4C3_B2A1: self.init(resolution: .microseconds, headerLength: 16)
      case 0xA1B2_3C4D, 0x4D3C_B2A1: self.init(resolution: .nanoseconds, headerLength: 16)
      case 0xA1B2_CD34, 0x34CD_B2A1: self.init(resolution: .microseconds, headerLength: 24)
      default: return nil
      }
    }

    private init(resolution: TimestampResolution, headerLength: Int) {
      self.resolution = resolution
      self.headerLength = headerLength
    }

    /// The six magic numbers as bytes, for recognising one that is not whole yet.
    static let magics: [[UInt8]] = [
      [0xA1, 0xB2, 0xC3, 0xD4], [0xD4, 0xC3, 0xB2, 0xA1],
      [0xA1, 0xB2, 0x3C, 0x4D], [0x4D, 0x3C, 0xB2, 0xA1],
      [0xA1, 0xB2, 0xCD, 0x34], [0x34, 0xCD, 0xB2, 0xA1],
    ]
  }
}

extension Failure {
  /// The far end sent something else than packets.
  static func notACapture(_ why: String, detail: String? = nil) -> Failure {
    Failure(.other, "What the far end sent is not a packet capture.", why: why, detail: detail)
  }
}

extension RawSpan {
  /// The number at `offset`, in this machine's byte order.
  @inline(__always)
  func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, swapped: Bool) -> T {
    let value = unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
    return swapped ? value.byteSwapped : value
  }
}

/// What libpcap reads out of a header.
private struct Reading {
  let linkType: Int32
  let snapLength: Int
  let isSwapped: Bool
  let version: (major: Int32, minor: Int32)

  /// Lets libpcap open the 24 bytes as a capture file and asks it what it saw.
  init(_ header: [UInt8]) throws(Failure) {
    var copy = header
    // libpcap reads from a FILE only; it is opened and closed while the memory is ours.
    let result = copy.withUnsafeMutableBytes { memory -> Result<Reading, Failure> in
      guard let file = fmemopen(memory.baseAddress, memory.count, "r") else {
        return .failure(.system("Cannot read the capture's header.", errno: errno))
      }
      var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
      let handle = pcap_fopen_offline_with_tstamp_precision(
        file, UInt32(PCAP_TSTAMP_PRECISION_MICRO), &message)
      guard let handle else {
        // Only a successful open takes the FILE over.
        fclose(file)
        let text = String(
          decoding: message.map(UInt8.init(bitPattern:)).prefix { $0 != 0 }, as: UTF8.self)
        return .failure(.notACapture("libpcap says: \(printable(text))."))
      }
      defer { pcap_close(handle) }
      return .success(Reading(of: handle))
    }
    self = try result.get()
  }

  private init(of handle: OpaquePointer) {
    linkType = pcap_datalink(handle)
    // libpcap caps what is beyond 31 bits only.
    snapLength = min(Int(pcap_snapshot(handle)), RecordLayout.maximumLength)
    isSwapped = pcap_is_swapped(handle) != 0
    version = (pcap_major_version(handle), pcap_minor_version(handle))
  }
}
