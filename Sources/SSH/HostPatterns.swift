/// The first field of a known_hosts row: whom a key belongs to (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
struct HostPatterns: Sendable, Equatable {
  private enum Form: Equatable {
    /// Patterns with `*` and `?`, in lower case; negated ones stood behind a `!`.
    case list([Pattern])
    case hashed(HashedHostName)
  }

  private struct Pattern: Equatable {
    let bytes: [UInt8]
    let isNegated: Bool
  }

  private let form: Form

  /// Takes the field apart; nil when it is none.
  init?(_ field: ArraySlice<UInt8>) {
    if field.first == UInt8(ascii: "|") {
      guard let name = HashedHostName(field) else { return nil }
      form = .hashed(name)
      return
    }
    let parts = field.split(separator: UInt8(ascii: ",")).map { part in
      let isNegated = part.first == UInt8(ascii: "!")
      return Pattern(
        bytes: (isNegated ? part.dropFirst() : part).map(lowercased), isNegated: isNegated)
    }
    guard !parts.isEmpty else { return nil }
    form = .list(parts)
  }

  /// Whether the row is about a host. A negated pattern that matches rules the whole row out.
  ///
  /// - Parameters:
  ///   - name: As `HostPatterns.name` gives it.
  ///   - hasher: Compares hashed names.
  /// - Returns: Whether it is.
  func match(_ name: String, _ hasher: borrowing HostNameHasher) -> Bool {
    switch form {
    case .hashed(let hashed): return hasher.match(hashed, name)
    case .list(let patterns):
      let bytes = Array(name.utf8)
      var matches = false
      for pattern in patterns where Self.match(pattern.bytes, bytes) {
        if pattern.isNegated { return false }
        matches = true
      }
      return matches
    }
  }

  /// The text that rows have for a host: the name in lower case, `[name]:port` for a port other than 22.
  static func name(_ host: String, _ port: Int) -> String {
    let name = String(decoding: host.utf8.map(lowercased), as: UTF8.self)
    return port == 22 ? name : "[\(name)]:\(port)"
  }

  /// `*` for any run of bytes, `?` for any one; needs time in proportion to both lengths at most.
  private static func match(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    var (p, t) = (0, 0)
    // Where the last `*` was, and how much of the text it has taken so far.
    var star: (pattern: Int, text: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        p = last.pattern + 1
        t = last.text + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
