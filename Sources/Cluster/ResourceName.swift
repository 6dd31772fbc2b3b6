/// The rules that Kubernetes has for names. Everything that becomes an argument or part of a URL is
/// checked by them first: such a name holds no slash, no blank, and does not begin with a dash.
package enum ResourceName {
  /// Whether the text is an RFC 1123 subdomain, as names of pods, nodes and workloads are: labels with
  /// dots between them, at most 253 bytes.
  package static func isSubdomain(_ text: some StringProtocol) -> Bool {
    text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false)
        .allSatisfy { isLabel($0, limit: 253) }
  }

  /// Whether the text is an RFC 1123 label, as names of namespaces and containers are: lower-case
  /// letters, digits and inner dashes, at most 63 bytes.
  package static func isLabel(_ text: some StringProtocol) -> Bool {
    isLabel(text, limit: 63)
  }

  private static func isLabel(_ text: some StringProtocol, limit: Int) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= limit else { return false }
    var last = first
    for byte in text.utf8 {
      guard isAlphanumeric(byte) || byte == UInt8(ascii: "-") else { return false }
      last = byte
    }
    return isAlphanumeric(first) && isAlphanumeric(last)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
      || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
  }
}
