/// A hash that is the same in every run and on every machine, for names that outlive a process.
///
/// It is FNV-1a with 64 bits (draft-eastlake-fnv); Swift's own hashes differ from run to run. It
/// keeps names short and apart, and protects nothing: whoever relies on it compares the full text.
package struct StableHash: Sendable {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Creates the hash of nothing.
  package init() {}

  /// Creates the hash of the UTF-8 bytes of `text`.
  package init(_ text: String) {
    add(text)
  }

  /// Adds the UTF-8 bytes of `text`.
  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
  }

  /// Adds one byte.
  package mutating func add(_ byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }

  /// Ten hexadecimal digits: the 64 bits folded to 40, as the authors of FNV advise.
  package var tenDigits: String {
    Self.hexadecimal((state >> 40) ^ (state & 0xff_ffff_ffff), digits: 10)
  }

  /// Sixteen hexadecimal digits: all 64 bits.
  package var sixteenDigits: String {
    Self.hexadecimal(state, digits: 16)
  }

  private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
