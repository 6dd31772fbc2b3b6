import Testing

@testable import Extcap

/// Where Wireshark's Help button leads.
struct HelpPageTests {
  @Test(
    arguments: [
      ("/usr/libexec/poddump/poddump-extcap", "/usr"),
      ("/usr/local/libexec/poddump/poddump-extcap", "/usr/local"),
      ("/usr/local/bin/poddump", "/usr/local"), ("/opt/a b/bin/poddump", "/opt/a b"),
      ("/home/ü/poddump", "/home"),
    ] as [(String, String)])
  func thePageIsThatOfThePrefix(_ program: String, _ prefix: String) {
    let url = HelpPage.url(ofProgram: program) { $0 == prefix + "/share/doc/poddump/README.md" }
    #expect(url == "file://" + prefix.replacing(" ", with: "%20") + "/share/doc/poddump/README.md")
  }

  @Test(arguments: [nil, "", "poddump", "/poddump", "/a/b/c/d/e/poddump"])
  func withoutOneItIsThatOfPackages(_ program: String?) {
    #expect(HelpPage.url(ofProgram: program) { _ in false } == HelpPage.ofPackages)
    // Not some folder's that lies further up.
    let far = HelpPage.url(ofProgram: program) { $0 == "/a/share/doc/poddump/README.md" }
    #expect(far == HelpPage.ofPackages)
  }

  @Test func bytesThatAURLDoesNotHaveAreEncoded() throws {
    let url = HelpPage.url(ofProgram: "/x/{ü}%/bin/poddump") { $0.hasPrefix("/x/{ü}%/share") }
    #expect(url == "file:///x/%7B%C3%BC%7D%25/share/doc/poddump/README.md")
    var lint = try WiresharkLint(Reply.interfaces([], help: url))
    try lint.checkInterfaces()
    #expect(lint.problems == [])
  }
}
