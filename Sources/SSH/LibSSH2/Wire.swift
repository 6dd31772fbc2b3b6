/// Reads the data types of the SSH protocol (RFC 4251, 5) from foreign bytes: every length is checked,
/// and what is not there is nil.
struct WireReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) { rest = ArraySlice(bytes) }

  /// How many bytes are left.
  var count: Int { rest.count }

  mutating func byte() -> UInt8? { rest.popFirst() }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  mutating func uint32() -> UInt32? {
    bytes(4)?.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// A string: its length, then its bytes.
  mutating func string() -> ArraySlice<UInt8>? {
    var ahead = self
    guard let length = ahead.uint32(), let bytes = ahead.bytes(Int(length)) else { return nil }
    self = ahead
    return bytes
  }

  /// A string that is text.
  mutating func text() -> String? {
    string().map { String(decoding: $0, as: UTF8.self) }
  }

  /// A name-list: names with commas between them.
  mutating func names() -> [String]? {
    text().map { $0.split(separator: ",").map(String.init) }
  }
}

/// Writes the data types of the SSH protocol (RFC 4251, 5).
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func uint32(_ value: UInt32) {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  mutating func string(_ value: some Collection<UInt8>) {
    uint32(UInt32(value.count))
    bytes.append(contentsOf: value)
  }
}

/// A public key as the protocol sends it (RFC 4253, 6.6).
enum PublicBlob {
  /// The key's type, such as "ssh-ed25519".
  static func type(_ blob: some Sequence<UInt8>) -> String? {
    var reader = WireReader(blob)
    guard let type = reader.text(), !type.isEmpty, type.utf8.count <= 64 else { return nil }
    return type
  }

  /// The same key under another type's name.
  static func renamed(_ blob: [UInt8], to type: String) -> [UInt8] {
    var reader = WireReader(blob)
    guard reader.string() != nil, let rest = reader.bytes(reader.count) else { return blob }
    var writer = WireWriter()
    writer.string(Array(type.utf8))
    return writer.bytes + rest
  }
}
