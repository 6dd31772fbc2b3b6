#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Writes all bytes to a descriptor; whether all of them went.
@discardableResult
package func put(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  bytes.withUnsafeBytes { all in
    var done = 0
    while done < all.count, let base = all.baseAddress {
      let got = write(descriptor, base + done, all.count - done)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return false }
      done += got
    }
    return true
  }
}

/// Writes a whole text to a descriptor; whether all of it went.
@discardableResult
package func put(_ text: String, to descriptor: Int32) -> Bool {
  put(Array(text.utf8), to: descriptor)
}
