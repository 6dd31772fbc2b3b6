/// The name of an image (distribution/reference): `[HOST/]PATH[:TAG][@DIGEST]`.
package struct ImageReference: Sendable, Equatable {
  /// As it was written.
  package var text: String
  /// With registry and tag: `docker.io/library/busybox:latest`.
  package var canonical: String
  /// The path without the registry: `nicolaka/netshoot`, `library/busybox`.
  package var path: String
  package var tag: String
  package var isLatest: Bool

  /// Nil for a text that is no reference.
  package init?(_ text: String) {
    self.text = text
    var rest = Substring(text)
    var digest = ""
    if let at = rest.firstIndex(of: "@") {
      digest = String(rest[at...])
      rest = rest[..<at]
    }
    var tag = ""
    if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
      tag = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
    }
    var parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var host = "docker.io"
    if parts.count > 1, parts[0].contains(where: { ".:".contains($0) }) || parts[0] == "localhost" {
      host = parts.removeFirst()
    }
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(allowed.contains) }) else { return nil }
    if parts.count == 1, host == "docker.io" { parts.insert("library", at: 0) }
    path = parts.joined(separator: "/")
    isLatest = digest.isEmpty && (tag.isEmpty || tag == "latest")
    self.tag = tag.isEmpty && digest.isEmpty ? "latest" : tag
    canonical = "\(host)/\(path)" + (self.tag.isEmpty ? "" : ":\(self.tag)") + digest
  }

  /// The lab's own images are `lab/NAME`; netshoot and busybox also go by their usual names.
  private static let usualNames = ["nicolaka/netshoot": "netshoot", "library/busybox": "busybox"]

  /// What a node gets when it asks for the image: the name of one that images.sh makes, and how many
  /// seconds its pull takes; nil if no registry has it. `lab/slow:SECONDS` is netshoot, slowly.
  package func resolved(images: Set<String>) -> (name: String, seconds: Int)? {
    if path == "lab/slow" { return Int(tag).map { ("netshoot", $0) } }
    let parts = path.split(separator: "/").map(String.init)
    let name = Self.usualNames[path] ?? (parts.first == "lab" && parts.count == 2 ? parts[1] : "")
    return images.contains(name) ? (name, 0) : nil
  }

  package var digest: String {
    let repository = canonical.split(separator: "@")[0].split(separator: ":").dropLast()
    return (repository.isEmpty ? canonical : repository.joined(separator: ":"))
      + "@sha256:" + Digest.hexadecimal(of: canonical)
  }
}
