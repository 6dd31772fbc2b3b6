package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension KnownHosts {
  /// Whether a connection must not go on with the key that a server shows.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - host: The host's name, address or alias.
  ///   - port: The port; 22 for an alias.
  ///   - type: The key's type, as in "ssh-ed25519".
  ///   - key: The key as the server sends it.
  ///   - fingerprint: Its fingerprint, as in "SHA256:…".
  ///   - policy: What is done about a key of which nothing is on file.
  ///   - file: The file that a key would be added to; nil when there is none.
  /// - Returns: Nil when it is known, and when it is new and new ones are accepted.
  package func refusal(
    _ what: String, host: String, port: Int, type: String, key: [UInt8], fingerprint: String,
    policy: HostKeyPolicy, file: String? = nil
  ) -> Failure? {
    let shown = "\(shownKeyType(type)) \(printable(fingerprint, limit: 100))"
    let refusal: HostKeyRefusal? =
      switch verdict(host: host, port: port, type: type, key: key) {
      case .known: nil
      case .unknown:
        policy == .acceptNew ? nil : .unknown(key: shown, add: Self.adding(host, port, file))
      case .changed(let place): .changed(key: shown, place: place.text)
      case .revoked(let place): .revoked(key: shown, place: place.text)
      case .onlyAuthority: .onlyAuthority
      }
    return refusal?.failure(what)
  }

  /// The command by which people put a host's key on file.
  private static func adding(_ host: String, _ port: Int, _ file: String?) -> String? {
    guard let file else { return nil }
    let words = ["ssh-keyscan"] + (port == 22 ? [] : ["-p", "\(port)"]) + [host]
    return printable(ShellWord.join(words) + " >> " + ShellWord.quote(file), limit: 500)
  }

  /// Writes a new key down: one row at the end of a file, which is made where it is missing, readable by
  /// its owner only.
  ///
  /// One write in append mode, so that rows of programs that do the same meanwhile stay whole.
  ///
  /// - Returns: The sentence that says so.
  /// - Throws: `Failure` when the file cannot be written; then the key counts as unknown.
  package static func add(
    host: String, port: Int, key: [UInt8], fingerprint: String, to file: String?
  ) throws(Failure) -> String {
    guard let file else {
      throw Failure(
        .other, "The host key of \(printable(host)) cannot be written down.",
        why: "There is no known_hosts file to write to.", fix: "Name one: known_hosts in [ssh].")
    }
    let what = "The host key of \(printable(host)) cannot be written to \(printable(file))."
    let name = HostPatterns.name(host, port)
    // A name that would read as a pattern, a list or a comment must not be written as a name.
    guard !name.isEmpty,
      name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !",*?!#@|".utf8.contains($0) })
    else {
      throw Failure(
        .other, what, why: "The host's name has characters that such files do not take.")
    }
    guard let type = WireString.first(key[...]).map({ String(decoding: $0, as: UTF8.self) }),
      type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw Failure(.other, what, why: "The key has no type.") }
    if let slash = file.lastIndex(of: "/"), slash > file.startIndex {
      // Fails where it exists, which open(2) then shows.
      _ = mkdir(String(file[..<slash]), 0o700)
    }
    let descriptor = OwnedFD(
      open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600))
    guard descriptor.raw >= 0 else { throw .system(what, errno: errno) }
    let row = "\(name) \(type) \(Base64.encode(key))\n"
    let bytes = Array(((endsInsideRow(descriptor.raw) ? "\n" : "") + row).utf8)
    guard write(descriptor.raw, bytes, bytes.count) == bytes.count else {
      throw .system(what, errno: errno)
    }
    return
      "The host key of \(host), \(shownKeyType(type)) \(fingerprint), was new and is in \(file) now."
  }

  /// Whether a file's last byte is no line feed: what is appended would become part of the last row.
  private static func endsInsideRow(_ descriptor: Int32) -> Bool {
    let size = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 0
    return size > 0 && pread(descriptor, &last, 1, size - 1) == 1 && last != UInt8(ascii: "\n")
  }
}

extension KnownHosts.Place {
  /// "/home/u/.ssh/known_hosts:3"
  var text: String { "\(printable(file)):\(line)" }
}
