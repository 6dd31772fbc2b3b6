package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The host keys on file, and what they say about a key that a server shows.
///
/// The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". A row that cannot be read is passed over,
/// as OpenSSH does; the rows after it count. Decisions are those of OpenSSH 9.2, but for one: a row without
/// a port says nothing about a port other than 22.
package struct KnownHosts: Sendable {
  /// Where a row stands.
  package struct Place: Sendable, Equatable {
    package let file: String
    /// Counted from 1.
    package let line: Int
  }

  /// What the files say about a key.
  package enum Verdict: Sendable, Equatable {
    /// The key is on file for the host.
    case known
    /// Nothing is on file for the host.
    case unknown
    /// Another key is on file for the host: the row.
    case changed(Place)
    /// A row that says so: nothing makes up for it.
    case revoked(Place)
    /// There is no key, but an authority whose certificates are believed; libssh2 knows none.
    case onlyAuthority
  }

  struct Row: Sendable, Equatable {
    enum Marker: Sendable { case none, revoked, authority }

    let marker: Marker
    let hosts: HostPatterns
    let type: String
    let key: [UInt8]
    let place: Place
  }

  /// The largest file that is read, in bytes; some 60 000 rows.
  static let maximumSize = 16 << 20

  private(set) var rows: [Row] = []

  /// Reads the text of one file.
  package init(text: String, file: String = "known_hosts") {
    take(Array(text.utf8), file: file)
  }

  /// Reads files; those that do not exist are passed over.
  ///
  /// - Throws: `Failure` for a file that is there and cannot be read to its end: a revoked key may be in it.
  package init(files: [String]) throws(Failure) {
    for file in files {
      if let bytes = try Self.read(file) { take(bytes, file: file) }
    }
  }

  /// The types of the keys that are on file for a host, such as "ssh-ed25519", in the order of the rows:
  /// what to ask the server for, so that it shows a key that can be compared.
  package func algorithms(for host: String, port: Int) -> [String] {
    var types: [String] = []
    for row in rows(for: host, port) where row.marker == .none && !types.contains(row.type) {
      types.append(row.type)
    }
    return types
  }

  /// What the files say about a key that a server shows.
  ///
  /// - Parameters:
  ///   - host: The host's name, address or alias.
  ///   - port: The port; 22 for an alias.
  ///   - type: The key's type, as in "ssh-ed25519".
  ///   - key: The key as the server sends it.
  /// - Returns: The verdict; that of a revoked key counts before all others.
  package func verdict(host: String, port: Int, type: String, key: [UInt8]) -> Verdict {
    let rows = rows(for: host, port)
    if let row = rows.first(where: { $0.marker == .revoked && $0.key == key }) {
      return .revoked(row.place)
    }
    let plain = rows.filter { $0.marker == .none }
    if plain.contains(where: { $0.key == key }) { return .known }
    // A key of another type is a changed key as well: whoever stands in between chooses the type.
    if let row = plain.first(where: { $0.type == type }) ?? plain.first {
      return .changed(row.place)
    }
    return rows.contains { $0.marker == .authority } ? .onlyAuthority : .unknown
  }

  /// Whether an authority is all there is on file for a host.
  package func hasOnlyAuthority(for host: String, port: Int) -> Bool {
    let markers = rows(for: host, port).map(\.marker)
    return markers.contains(.authority) && !markers.contains(.none)
  }

  private func rows(for host: String, _ port: Int) -> [Row] {
    guard let hasher = HostNameHasher() else { return [] }
    let name = HostPatterns.name(host, port)
    var found: [Row] = []
    for row in rows where row.hosts.match(name, hasher) { found.append(row) }
    return found
  }

  private mutating func take(_ bytes: [UInt8], file: String) {
    var number = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if let row = Row(line, place: Place(file: file, line: number)) { rows.append(row) }
    }
  }

  private static func read(_ file: String) throws(Failure) -> [UInt8]? {
    let what = "The known_hosts file \(printable(file)) cannot be read."
    // A pipe without a writer must not hold us up.
    let descriptor = OwnedFD(open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK))
    guard descriptor.raw >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .system(what, errno: errno)
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = descriptor.read(into: &buffer)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw .system(what, errno: errno)
      }
      guard bytes.count + count <= maximumSize else {
        throw Failure(
          .other, what, why: "It is larger than \(maximumSize >> 20) MiB.",
          fix: "Name another one: known_hosts in [ssh].")
      }
      bytes.append(contentsOf: buffer[..<count])
    }
  }
}

extension KnownHosts.Row {
  /// Takes a row apart: `[@marker] hosts type key [comment]`.
  ///
  /// Nil for a comment, an empty row and one that cannot be read.
  init?(_ line: ArraySlice<UInt8>, place: KnownHosts.Place) {
    // Files that were edited on Windows end their lines with CR LF.
    let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    var fields = line.split(maxSplits: 4) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }[
      ...]
    switch fields.first?.first {
    case nil, UInt8(ascii: "#"): return nil
    case UInt8(ascii: "@"):
      switch fields.removeFirst() {
      case let field where field.elementsEqual("@revoked".utf8): marker = .revoked
      case let field where field.elementsEqual("@cert-authority".utf8): marker = .authority
      default: return nil
      }
    default: marker = .none
    }
    guard fields.count >= 3, let hosts = HostPatterns(fields.removeFirst()) else { return nil }
    let type = fields.removeFirst()
    guard let key = Base64.decode(fields.removeFirst()),
      WireString.first(key[...])?.elementsEqual(type) == true
    else { return nil }
    self.hosts = hosts
    self.type = String(decoding: type, as: UTF8.self)
    self.key = key
    self.place = place
  }
}
