#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The page that Wireshark's Help button opens: the README, where it was installed with the program.
package enum HelpPage {
  /// The URL where packages put it.
  package static let ofPackages = "file:///usr/share/doc/poddump/README.md"

  /// Its URL.
  ///
  /// - Parameters:
  ///   - program: The path of the program that answers, links resolved; nil where it is not known.
  ///   - exists: Whether a file is there.
  /// - Returns: That of the page beside the program, else of the one that a package would have.
  package static func url(
    ofProgram program: String?, exists: (String) -> Bool = { access($0, R_OK) == 0 }
  ) -> String {
    guard let program else { return ofPackages }
    var folder = program[...]
    // The prefix is two levels above bin/poddump, and three above libexec/poddump/poddump-extcap.
    for _ in 0..<3 {
      guard let slash = folder.utf8.lastIndex(of: UInt8(ascii: "/")) else { break }
      folder = folder[..<slash]
      let page = folder + "/share/doc/poddump/README.md"
      if exists(String(page)) { return "file://" + encoded(page) }
    }
    return ofPackages
  }

  /// A path as a URL has it (RFC 3986, 2.1 and 3.3).
  private static func encoded(_ path: Substring) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
