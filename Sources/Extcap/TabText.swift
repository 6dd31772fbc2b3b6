#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Lines of tab-separated fields, written.
///
/// A backslash, tab, line feed or carriage return inside a field is written as `\\`, `\t`, `\n`, `\r`, so
/// that a line is always a record.
struct TabWriter {
  private(set) var bytes: [UInt8] = []

  /// Appends one line.
  mutating func line(_ fields: some Sequence<String>) {
    var isFirst = true
    for field in fields {
      if !isFirst { bytes.append(0x09) }
      isFirst = false
      escape(field)
    }
    bytes.append(0x0a)
  }

  /// Appends one line.
  mutating func line(_ fields: String...) {
    line(fields)
  }

  /// Appends text that consists of whole lines.
  mutating func append(_ lines: [UInt8]) {
    bytes += lines
  }

  private mutating func escape(_ field: String) {
    for byte in field.utf8 {
      switch byte {
      case 0x5c: bytes += [0x5c, 0x5c]
      case 0x09: bytes += [0x5c, 0x74]
      case 0x0a: bytes += [0x5c, 0x6e]
      case 0x0d: bytes += [0x5c, 0x72]
      default: bytes.append(byte)
      }
    }
  }
}

/// Lines of tab-separated fields, read. The bytes may be anything: what is no record gives no fields.
struct TabReader {
  private let bytes: [UInt8]
  /// Where the next line begins.
  private(set) var place: Int
  private let end: Int

  init(_ bytes: [UInt8], from start: Int = 0, to end: Int? = nil) {
    self.bytes = bytes
    self.end = min(end ?? bytes.count, bytes.count)
    place = start
  }

  /// The next line that ends in a line feed, without it.
  mutating func nextLine() -> Range<Int>? {
    guard place < end else { return nil }
    let start = place
    let found: Int? = bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress, let hit = memchr(base + start, 0x0a, end - start)
      else { return nil }
      return UnsafeRawPointer(hit) - base
    }
    guard let found else { return nil }
    place = found + 1
    return start..<found
  }

  /// The next line's fields.
  mutating func nextFields() -> [String]? {
    nextLine().map { fields(of: $0) }
  }

  /// The fields of a line.
  func fields(of line: Range<Int>) -> [String] {
    bytes.withUnsafeBytes { all in
      var result: [String] = []
      guard let base = all.baseAddress else { return result }
      result.reserveCapacity(10)
      var start = line.lowerBound
      while true {
        let tab = memchr(base + start, 0x09, line.upperBound - start)
        let end = tab.map { UnsafeRawPointer($0) - base } ?? line.upperBound
        result.append(Self.text(all[start..<end]))
        guard tab != nil else { break }
        start = end + 1
      }
      return result
    }
  }

  /// The next line whose first field is exactly `key`, found without taking the others apart.
  mutating func nextLine(startingWith key: String) -> Range<Int>? {
    let wanted = Array(key.utf8) + [0x09]
    while let line = nextLine() {
      guard line.count >= wanted.count else { continue }
      let isEqual = bytes.withUnsafeBytes { all in
        all.baseAddress.map { memcmp($0 + line.lowerBound, wanted, wanted.count) == 0 } ?? false
      }
      if isEqual { return line }
    }
    return nil
  }

  private static func text(_ field: Slice<UnsafeRawBufferPointer>) -> String {
    guard field.contains(0x5c) else { return String(decoding: field, as: UTF8.self) }
    var plain: [UInt8] = []
    plain.reserveCapacity(field.count)
    var isAfterBackslash = false
    for byte in field {
      if !isAfterBackslash, byte == 0x5c {
        isAfterBackslash = true
        continue
      }
      switch byte {
      case 0x74 where isAfterBackslash: plain.append(0x09)
      case 0x6e where isAfterBackslash: plain.append(0x0a)
      case 0x72 where isAfterBackslash: plain.append(0x0d)
      default: plain.append(byte)
      }
      isAfterBackslash = false
    }
    return String(decoding: plain, as: UTF8.self)
  }
}
