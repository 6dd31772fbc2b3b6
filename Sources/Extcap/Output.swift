#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Writes a whole text to a descriptor; whether all of it went.
@discardableResult
package func put(_ text: String, to descriptor: Int32) -> Bool {
  var text = text
  return text.withUTF8 { all in
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
