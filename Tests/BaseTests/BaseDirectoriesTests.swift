import Base
import Testing

/// The folders of the XDG Base Directory Specification, and the coding of bytes in words.
@Suite struct BaseDirectoriesTests {
  @Test(
    arguments: [
      ([:], nil), (["HOME": "home"], nil), (["HOME": "/h"], "/h/.config"),
      (["XDG_CONFIG_HOME": "/c"], "/c"), (["XDG_CONFIG_HOME": "/c", "HOME": "/h"], "/c"),
      // "All paths set in these environment variables must be absolute", others are ignored.
      (["XDG_CONFIG_HOME": "c", "HOME": "/h"], "/h/.config"), (["XDG_CONFIG_HOME": "c"], nil),
    ] as [([String: String], String?)])
  func configuration(_ variables: [String: String], _ folder: String?) {
    #expect(BaseDirectories.configuration { variables[$0] } == folder)
  }

  @Test func theOthers() {
    #expect(BaseDirectories.data { $0 == "HOME" ? "/h" : nil } == "/h/.local/share")
    #expect(BaseDirectories.state { $0 == "HOME" ? "/h" : nil } == "/h/.local/state")
    #expect(BaseDirectories.state { $0 == "XDG_STATE_HOME" ? "/s" : nil } == "/s")
  }

  @Test func percents() {
    let coded = PercentCoding.encoded("a b%ü\n") { $0 > 0x20 && $0 < 0x7F }
    #expect(coded == "a%20b%25%C3%BC%0A")
    #expect(PercentCoding.decoded(coded) == "a b%ü\n")
    #expect(PercentCoding.decoded("%c3%bc") == "ü")
    for broken in ["%", "%4", "%4g", "%C3"] { #expect(PercentCoding.decoded(broken) == nil) }
  }
}
