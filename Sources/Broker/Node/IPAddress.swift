#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// An IP address that was checked to be one: what the API says is not believed before that.
package struct IPAddress: Sendable, Hashable {
  /// As inet_ntop(3) writes it.
  package let text: String
  /// What `grep` looks for: an IPv4 address with its dots escaped, as /proc/net/fib_trie has it; an IPv6
  /// address as 32 hexadecimal digits, as /proc/net/if_inet6 has it.
  package let pattern: String

  /// Reads an address; nil for anything else.
  package init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    let size = Int(INET6_ADDRSTRLEN)
    // For C a text would end there.
    guard !text.utf8.contains(0) else { return nil }
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.text = String(unsafeUninitializedCapacity: size) { bytes in
        bytes.withMemoryRebound(to: CChar.self) { chars in
          inet_ntop(AF_INET, &v4, chars.baseAddress, socklen_t(size)).map { strlen($0) } ?? 0
        }
      }
      pattern = self.text.split(separator: ".").joined(separator: #"\."#)
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      self.text = String(unsafeUninitializedCapacity: size) { bytes in
        bytes.withMemoryRebound(to: CChar.self) { chars in
          inet_ntop(AF_INET6, &v6, chars.baseAddress, socklen_t(size)).map { strlen($0) } ?? 0
        }
      }
      pattern = withUnsafeBytes(of: &v6) { bytes in
        bytes.map { byte in
          let digits = String(byte, radix: 16)
          return digits.count == 1 ? "0" + digits : digits
        }.joined()
      }
    } else {
      return nil
    }
  }
}
