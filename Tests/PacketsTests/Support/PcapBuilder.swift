import Packets

/// Makes classic pcap streams by hand.
struct PcapBuilder {
  var isBigEndian = false
  var isNano = false
  var isPatched = false
  var snapLength: UInt32 = 262_144
  var linkType: UInt32 = 1
  var minorVersion: UInt16 = 4

  var header: [UInt8] {
    let magic: UInt32 = isPatched ? 0xA1B2_CD34 : isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4
    return number(magic) + number(2 as UInt16) + number(minorVersion) + number(0 as UInt32)
      + number(0 as UInt32) + number(snapLength) + number(linkType)
  }

  func record(
    _ data: [UInt8], seconds: UInt32 = 1_700_000_000, fraction: UInt32 = 0,
    captured: UInt32? = nil, original: UInt32? = nil
  ) -> [UInt8] {
    let length = UInt32(data.count)
    let extra = isPatched ? [UInt8](repeating: 0xEE, count: 8) : []
    return number(seconds) + number(fraction) + number(captured ?? length)
      + number(original ?? length) + extra + data
  }

  private func number<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }
}

/// A reproducible source of chance (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

extension [UInt8] {
  /// The bytes in pieces of random lengths, none empty.
  func cut(_ random: inout SeededGenerator, longest: Int = 40) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    while start < count {
      let end = Swift.min(count, start + Int.random(in: 1...longest, using: &random))
      pieces.append(Array(self[start..<end]))
      start = end
    }
    return pieces
  }
}

/// An Ethernet frame with an IPv4 UDP datagram to port 9, padded to `length` bytes.
func frame(_ index: Int, length: Int = 64) -> [UInt8] {
  var bytes: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
  bytes += [0x45, 0, 0, 46, UInt8(index >> 8 & 255), UInt8(index & 255), 0, 0, 64, 17, 0, 0]
  bytes += [198, 51, 100, 1, 198, 51, 100, 2, 0, 9, 0, 9, 0, 26, 0, 0]
  bytes += (bytes.count..<Swift.max(length, bytes.count)).map { UInt8(($0 + index) & 255) }
  return bytes
}
