import Testing

@testable import Cluster

@Suite struct LoginShellTests {
  private static func read(_ text: String, pieces: Int) -> LoginShell.PathReader {
    var reader = LoginShell.PathReader()
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty, reader.wantsMore {
      let piece = bytes.prefix(pieces)
      piece.withUnsafeBytes { reader.consume($0) }
      bytes = bytes.dropFirst(piece.count)
    }
    return reader
  }

  @Test(arguments: [1, 3, 1000])
  func thePathIsFoundAmongOtherWords(pieces: Int) {
    let text = "Welcome!\nPATH=/no\n\npoddump-path:/a/bin:relative::/b:/c d\npoddump-path:/late\n"
    let reader = Self.read(text, pieces: pieces)
    #expect(reader.directories == ["/a/bin", "/b", "/c d"])
    #expect(!reader.wantsMore)
  }

  @Test(arguments: [
    "", "poddump-path:", "poddump-path:/a", " poddump-path:/a\n", "poddump-path:\n",
    "poddump-path:relative\n",
  ])
  func whatIsNoPathGivesNone(text: String) {
    #expect(Self.read(text, pieces: 7).directories.isEmpty)
  }

  @Test func aLongPathIsBounded() {
    let path = (0..<5000).map { "/d\($0)" }.joined(separator: ":")
    #expect(Self.read("poddump-path:\(path)\n", pieces: 4096).directories.count <= 100)
    let flood = Self.read(String(repeating: "x", count: 1 << 20), pieces: 4096)
    #expect(flood.directories.isEmpty)
  }

  @Test func whatIsNoShellIsNotStarted() async {
    for shell in [nil, "sh", "/nonexistent/sh", "/etc/passwd"] {
      #expect(await LoginShell.directories(shell: shell) == [])
    }
  }

  @Test func aRealShellAnswers() async {
    let directories = await LoginShell.directories(shell: "/bin/sh", within: .seconds(20))
    #expect(directories.contains("/usr/bin"))
  }
}
