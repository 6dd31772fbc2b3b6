/// What an address is called in a capture.
package struct AddressName: Sendable, Equatable {
  /// Whose name it is.
  package let address: NetworkAddress
  /// The name as Wireshark shows it: "web.shop".
  package let name: String

  /// Makes a name safe: letters, digits, dots, dashes and underscores, at most 255 bytes, which is what
  /// Wireshark keeps of one. Everything else becomes an underscore. Nil for an address that is none, and for
  /// an empty name.
  ///
  /// - Parameters:
  ///   - address: The address in the usual notation.
  ///   - name: The name, from anywhere.
  package init?(_ address: String, _ name: String) {
    guard let address = NetworkAddress(address), !name.isEmpty else { return nil }
    self.address = address
    let isPlain = name.utf8.count <= Self.maximumLength && name.utf8.allSatisfy(Self.isSafe)
    self.name = isPlain ? name : Self.safe(name)
  }

  private static let maximumLength = 255

  private static func isSafe(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func safe(_ name: String) -> String {
    let bytes = name.utf8.prefix(maximumLength).map { isSafe($0) ? $0 : UInt8(ascii: "_") }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The names of a stream, in two tiers: the nearest, which are repeated often, and all of them.
package struct NameTable: Sendable, Equatable {
  /// The most bytes of the block with the nearest names.
  static let nearLimit = 1024

  /// All names, the nearest first; each address once.
  let names: [AddressName]
  /// The block with as many of the first names as fit; empty where there are none.
  let near: [UInt8]

  /// No names.
  package init() { self.init([]) }

  /// Collects names.
  ///
  /// - Parameter names: The nearest first; what counts for an address is its first name.
  package init(_ names: [AddressName]) {
    var seen: Set<NetworkAddress> = []
    seen.reserveCapacity(names.count)
    self.names = names.filter { seen.insert($0.address).inserted }
    var block: [UInt8] = []
    PcapngWriter.append(self.names[...], to: &block, blocks: 1, limit: Self.nearLimit)
    near = block
  }

  /// Whether there is no name.
  package var isEmpty: Bool { names.isEmpty }

  /// How many addresses have a name.
  package var count: Int { names.count }

  /// Blocks with all names.
  package var blocks: [UInt8] { Self.blocks(names[...]) }

  /// Blocks with the names that `old` does not have, or has otherwise. A name cannot be taken back.
  func blocks(since old: NameTable) -> [UInt8] {
    guard !old.isEmpty else { return blocks }
    let known = Dictionary(old.names.map { ($0.address, $0.name) }) { first, _ in first }
    return Self.blocks(names.filter { known[$0.address] != $0.name }[...])
  }

  private static func blocks(_ names: ArraySlice<AddressName>) -> [UInt8] {
    var out: [UInt8] = []
    PcapngWriter.append(names, to: &out)
    return out
  }
}

extension PcapngWriter {
  /// The longest block of names. Less than dumpcap takes, so that a file's beginning stays small.
  private static let nameBlockLength = 65_536

  /// Appends name resolution blocks, as many as the names need.
  ///
  /// - Parameters:
  ///   - names: The names.
  ///   - out: The bytes to append to; nothing where there are no names.
  ///   - most: The most blocks; names beyond them are left out.
  ///   - limit: The most bytes of a block.
  static func append(
    _ names: ArraySlice<AddressName>, to out: inout [UInt8], blocks most: Int = .max,
    limit: Int = nameBlockLength
  ) {
    var rest = names
    var written = 0
    while !rest.isEmpty, written < most {
      // The block's frame is 12 bytes, the record that ends the list 4.
      var room = limit - 16
      let part = rest.prefix { name in
        room -= recordLength(name)
        return room >= 0
      }
      guard !part.isEmpty else { return }
      appendBlock(Block.names, to: &out) { out in
        for name in part { append(name, to: &out) }
        out.append(little: 0 as UInt32)
      }
      rest = rest[part.endIndex...]
      written += 1
    }
  }

  private static func recordLength(_ name: AddressName) -> Int {
    4 + padded(name.address.byteCount + name.name.utf8.count + 1)
  }

  /// A record: its kind (1 for IPv4, 2 for IPv6), its length, the address, and the name with a NUL.
  private static func append(_ name: AddressName, to out: inout [UInt8]) {
    let length = name.address.byteCount + name.name.utf8.count + 1
    out.append(little: (name.address.isV6 ? 2 : 1) as UInt16)
    out.append(little: UInt16(truncatingIfNeeded: length))
    name.address.append(to: &out)
    out.append(contentsOf: name.name.utf8)
    out.appendZeros(1 + padded(length) - length)
  }
}
