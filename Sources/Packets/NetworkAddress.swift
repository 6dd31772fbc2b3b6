#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// An IPv4 or IPv6 address as packets carry it.
package struct NetworkAddress: Sendable, Hashable {
  /// Whether it is of IPv6, with 16 bytes; else of IPv4, with 4.
  package let isV6: Bool
  /// The address as one number, its first byte the highest; of IPv4 in the lower 32 bits of `low`.
  private let high: UInt64
  private let low: UInt64

  /// Reads an address in the usual notation; nil for anything else, and for the unspecified address.
  package init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    // For C a text would end there.
    guard !text.utf8.contains(0) else { return nil }
    if inet_pton(AF_INET, text, &v4) == 1 {
      (isV6, high, low) = (false, 0, UInt64(UInt32(bigEndian: v4.s_addr)))
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      let halves = withUnsafeBytes(of: &v6) { bytes in
        (
          bytes.loadUnaligned(as: UInt64.self),
          bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
      }
      (isV6, high, low) = (true, UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1))
    } else {
      return nil
    }
    guard high != 0 || low != 0 else { return nil }
  }

  /// The length on the wire: 4 or 16.
  var byteCount: Int { isV6 ? 16 : 4 }

  /// Appends the address as it stands in a packet.
  func append(to out: inout [UInt8]) {
    if isV6 {
      withUnsafeBytes(of: high.bigEndian) { out.append(contentsOf: $0) }
      withUnsafeBytes(of: low.bigEndian) { out.append(contentsOf: $0) }
    } else {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: low).bigEndian) { out.append(contentsOf: $0) }
    }
  }
}
