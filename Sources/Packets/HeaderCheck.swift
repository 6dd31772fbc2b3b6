package import Base

/// Finds the capture in what the far end sends, or the reason why there is none.
///
/// Takes the first bytes of a stream in whatever pieces they come. The header may stand at the very
/// start or after text (a login greeting, a terminal title from a shell's start file): at any place
/// within the first 64 KiB, as long as no NUL byte comes before it, which no text contains.
package struct HeaderCheck: Sendable {
  /// The most bytes kept and searched.
  package static let bound = 65_536

  /// What the bytes so far amount to.
  package enum Verdict: Sendable, Equatable {
    /// Neither a header nor a reason to give up yet.
    case undecided
    /// The header; packets begin at that index of the piece that was handed in last.
    case header(PcapHeader, packetsAt: Int)
  }

  private var kept: [UInt8] = []
  private var searched = 0

  /// A check that has seen nothing.
  package init() {}

  /// How many bytes came before the header or without one.
  package var byteCount: Int { kept.count }

  /// Takes the next piece of the stream.
  ///
  /// - Throws: `Failure` (`other`) once the bytes cannot become a capture any more; its `why` is the
  ///   first of the text that came instead.
  package mutating func take(_ piece: RawSpan) throws(Failure) -> Verdict {
    let before = kept.count
    let room = Self.bound + PcapHeader.length - before
    piece.extracting(first: max(0, room)).withUnsafeBytes { kept.append(contentsOf: $0) }

    while searched < kept.count {
      let here = kept[searched...].prefix(PcapHeader.length)
      if Self.mayBegin(here) {
        guard here.count == PcapHeader.length else { return .undecided }
        let header = try PcapHeader(Array(here))
        let end = searched + PcapHeader.length
        kept.removeSubrange(searched...)
        return .header(header, packetsAt: end - before)
      }
      // Whoever sends NUL bytes is no shell that greets.
      guard here.first != 0, searched < Self.bound else { throw failure }
      searched += 1
    }
    return .undecided
  }

  /// Why a stream that ends here, or cannot become a capture any more, is none: the first of its
  /// text as `why`, the whole bounded text as `detail`. Nil when nothing has come at all.
  package var reason: Failure? { kept.isEmpty ? nil : failure }

  private var failure: Failure {
    if searched < kept.count, Self.mayBegin(kept[searched...]) {
      return .notACapture("It ended within the header of the capture.", detail: text)
    }
    if kept.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]) {
      return .notACapture("It is pcapng, where classic pcap was due.")
    }
    let isText = !kept.contains(0)
    guard isText, !excerpt.isEmpty else {
      return .notACapture("It sent \(kept.count) bytes that are neither packets nor text.")
    }
    return .notACapture("It says: \(excerpt)", detail: text)
  }

  /// What came, made printable and bounded.
  private var text: String {
    // A terminal's line ends are CR LF.
    printable(String(decoding: kept.filter { $0 != 0x0D }, as: UTF8.self), limit: 4096)
  }

  /// The first lines of the text, as one line of at most 200 characters.
  private var excerpt: String {
    let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    return printable(lines.filter { !$0.isEmpty }.joined(separator: " "), limit: 200)
  }

  /// Whether the bytes are, or are the beginning of, one of libpcap's magic numbers.
  private static func mayBegin(_ bytes: ArraySlice<UInt8>) -> Bool {
    // A text of 64 KiB is searched byte by byte: most of them are done with here.
    guard let first = bytes.first, first >= 0xA1 || first == 0x4D || first == 0x34 else {
      return false
    }
    return PcapHeader.Variant.magics.contains { $0.starts(with: bytes.prefix(4)) }
  }
}
