import Foundation
import SSH
import TestSupport
import Testing

@Suite struct ShellWordTests {
  @Test(arguments: [
    ("eth0", "eth0"), ("", "''"), ("a b", "'a b'"), ("-w", "-w"),
    ("/usr/bin/tcpdump", "/usr/bin/tcpdump"),
    ("user@host:22,+x=%", "user@host:22,+x=%"), ("it's", "'it'\\''s'"), ("'", "''\\'''"),
    ("''", "''\\'''\\'''"), ("$(reboot)", "'$(reboot)'"), ("`id`", "'`id`'"), ("a;b", "'a;b'"),
    ("a\nb", "'a\nb'"), ("~", "'~'"), ("*", "'*'"), ("#", "'#'"), ("\\", "'\\'"), ("!", "'!'"),
    ("ü", "'ü'"), ("{a,b}", "'{a,b}'"), ("a&b", "'a&b'"), ("\u{1b}[2J", "'\u{1b}[2J'"),
  ])
  func quotesWhereAShellWouldReadMore(_ word: String, _ quoted: String) {
    #expect(ShellWord.quote(word) == quoted)
  }

  @Test func joinsWithBlanks() {
    #expect(ShellWord.join(["sh", "-c", "exec \"$@\"", ""]) == "sh -c 'exec \"$@\"' ''")
    #expect(ShellWord.join([]) == "")
  }

  @Test(arguments: TestShell.allCases)
  func everyWordComesOutOfARealShellAsItWentIn(_ shell: TestShell) async throws {
    var random = SeededGenerator(0x5EED)
    // What shells treat as special is frequent; the rest is any character but NUL.
    let special = Array("'\"\\$`!*?[]{}()<>|&;#~ \t\n\r=%-aZ0\u{1b}\u{7f}ü€😀").map(String.init)
    var words = ["", " ", "'", "-n", "--", "\\c", "%s", "a\\'b", "\n", "\n\n"]
    for _ in 0..<300 {
      let parts = (0..<Int.random(in: 0...30, using: &random)).map { _ in
        Bool.random(using: &random)
          ? special.randomElement(using: &random) ?? ""
          : String(UnicodeScalar(UInt8.random(in: 1...127, using: &random)))
      }
      words.append(parts.joined())
    }
    for batch in stride(from: 0, to: words.count, by: 50) {
      let some = Array(words[batch..<min(batch + 50, words.count)])
      let line = "printf '%s\\0' " + ShellWord.join(some)
      let answer = try await runProgram(shell.words() + ["-c", line])
      #expect(answer.end == .exited(0), "\(answer.errors)")
      let came = answer.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      #expect(came.map { Array($0) } == some.map { Array($0.utf8) })
    }
  }
}

@Suite struct LibraryTests {
  @Test func saysItsVersion() {
    #expect(SSHLibrary.version.split(separator: ".").count >= 2, "\(SSHLibrary.version)")
  }
}
