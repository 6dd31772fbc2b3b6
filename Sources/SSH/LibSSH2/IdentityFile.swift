internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// An identity file, looked at before anything is connected.
struct IdentityFile {
  let path: String
  let key: KeyFile
  let bytes: [UInt8]
  /// The public key: from the file, else from the `.pub` beside it.
  let publicBlob: [UInt8]?
  /// Whether there is a certificate beside it, which ssh would offer.
  let hasCertificate: Bool

  /// What a look at an identity file comes to.
  enum Look {
    case absent
    /// It is not offered; the end of a sentence that begins with its path.
    case unusable(String)
    case usable(IdentityFile)
  }

  static func look(_ path: String) -> Look {
    var status = stat()
    guard stat(path, &status) == 0 else {
      return errno == ENOENT || errno == ENOTDIR
        ? .absent : .unusable("cannot be read: \(errorText(errno))")
    }
    guard let bytes = read(path) else {
      return .unusable("cannot be read: \(errorText(errno))")
    }
    let key: KeyFile
    do {
      key = try KeyFile(parsing: bytes)
    } catch {
      return .unusable(error.why)
    }
    // ssh's own rule (authfile.c): a private key of ours that others can read is not used.
    if key.format != .publicKey, status.st_uid == getuid(), status.st_mode & 0o077 != 0 {
      let mode = String(status.st_mode & 0o777, radix: 8)
      return .unusable("can be read by others (mode \(mode)); run chmod 600 on it")
    }
    let beside = read(path + ".pub").flatMap { try? KeyFile(parsing: $0) }
    let blob = key.publicBlob ?? (beside?.format == .publicKey ? beside?.publicBlob : nil)
    return .usable(
      IdentityFile(
        path: path, key: key, bytes: bytes, publicBlob: blob,
        hasCertificate: access(path + "-cert.pub", R_OK) == 0))
  }

  /// The type: the file's, else its public key's.
  var type: String? { key.type ?? publicBlob.flatMap { PublicBlob.type($0) } }

  private static func read(_ path: String) -> [UInt8]? {
    // Not to wait for a FIFO's writer.
    let raw = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard raw >= 0 else { return nil }
    let descriptor = OwnedFD(raw)
    var bytes = [UInt8](repeating: 0, count: KeyFile.limit)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { memory in
        systemRead(descriptor.raw, memory.baseAddress?.advanced(by: filled), memory.count - filled)
      }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      filled += count
    }
    return Array(bytes[..<filled])
  }
}

private func systemRead(_ descriptor: Int32, _ memory: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{
  read(descriptor, memory, count)
}
