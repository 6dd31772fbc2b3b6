/// Quotes words for a POSIX shell (POSIX.1-2017, 2.2.2 "Single-Quotes"): ssh joins its words with
/// blanks and hands them to the login shell, and a plan's command lines are meant to be pasted.
package enum ShellWord {
  /// One word, quoted only where a shell would otherwise read more into it.
  package static func quote(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default:
        "-_./:=@%+,".utf8.contains(byte)
      }
    }
    guard !plain || word.isEmpty else { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }

  /// A whole command line.
  package static func join(_ words: [String]) -> String {
    words.map(quote).joined(separator: " ")
  }
}
