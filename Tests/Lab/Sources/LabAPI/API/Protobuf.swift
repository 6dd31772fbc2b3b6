/// As much of protobuf as the reviews need that kubectl posts: fields with a length, by number
/// (protobuf.dev, "Encoding").
package struct Protobuf: Sendable, Equatable {
  /// Why bytes cannot be read.
  package enum Failure: Error { case notProtobuf }

  private var fields: [(number: UInt64, bytes: ArraySlice<UInt8>)] = []

  package static func == (left: Protobuf, right: Protobuf) -> Bool {
    left.fields.count == right.fields.count
      && zip(left.fields, right.fields).allSatisfy { $0 == $1 }
  }

  /// Reads a message.
  package init(_ bytes: ArraySlice<UInt8>) throws(Failure) {
    var rest = bytes
    while !rest.isEmpty {
      let tag = try Self.number(&rest)
      switch tag & 7 {
      case 0: _ = try Self.number(&rest)
      case 1: try Self.skip(8, &rest)
      case 2:
        let length = try Self.number(&rest)
        guard length <= UInt64(rest.count) else { throw .notProtobuf }
        fields.append((tag >> 3, rest.prefix(Int(length))))
        rest = rest.dropFirst(Int(length))
      case 5: try Self.skip(4, &rest)
      default: throw .notProtobuf
      }
    }
  }

  /// The message inside Kubernetes' envelope: the magic `k8s\0` and a `runtime.Unknown`, whose
  /// field 2 is the object (Kubernetes documentation, "Protobuf encoding").
  package init(envelope bytes: some Collection<UInt8>) throws(Failure) {
    let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]
    guard bytes.starts(with: magic) else { throw .notProtobuf }
    self = try Protobuf(ArraySlice(bytes.dropFirst(magic.count))).message(2)
  }

  /// The message in a field; an empty one if there is none.
  package func message(_ number: UInt64) throws(Failure) -> Protobuf {
    try Protobuf(bytes(number) ?? [])
  }

  /// The text in a field; nil if it is missing or empty.
  package func string(_ number: UInt64) -> String? {
    bytes(number).flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
  }

  /// Whether the message has this field at all.
  package func has(_ number: UInt64) -> Bool { bytes(number) != nil }

  private func bytes(_ number: UInt64) -> ArraySlice<UInt8>? {
    fields.last { $0.number == number }?.bytes
  }

  private static func number(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      guard shift < 64 else { throw .notProtobuf }
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    throw .notProtobuf
  }

  private static func skip(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws(Failure) {
    guard rest.count >= count else { throw .notProtobuf }
    rest = rest.dropFirst(count)
  }
}
