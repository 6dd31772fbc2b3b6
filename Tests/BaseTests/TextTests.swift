import Base
import Testing

@Suite struct PrintableTests {
  @Test(arguments: [
    ("plain text", "plain text"),
    ("two\nlines", "two\nlines"),
    ("a\tb", "a b"),
    ("\u{1b}[31mred\u{1b}[0m", "�[31mred�[0m"),
    ("\u{1b}]0;title\u{7}", "�]0;title�"),
    ("a\rb", "a�b"),
    ("a\r\nb", "a�\nb"),
    ("nul\0", "nul�"),
    ("\u{9b}2J", "�2J"),  // CSI as one character
    ("\u{7f}", "�"),
    ("safe\u{202e}exe.txt", "safe�exe.txt"),  // right-to-left override
    ("\u{2066}a\u{2069}", "�a�"),  // isolates
    ("a\u{200b}b", "a�b"),  // zero width
    ("a\u{feff}b", "a�b"),
    ("a\u{2028}b\u{2029}c", "a�b�c"),
    ("\u{e000}", "�"),
    ("Grüße 日本 🙂", "Grüße 日本 🙂"),
    ("", ""),
  ])
  func foreignTextCannotDriveATerminal(_ text: String, _ shown: String) {
    #expect(printable(text) == shown)
  }

  @Test func bytesThatAreNoTextAreReplaced() {
    let text = String(decoding: [0x61, 0xFF, 0xFE, 0xC3, 0x28, 0x62] as [UInt8], as: UTF8.self)
    #expect(printable(text) == "a���(b")
  }

  @Test func isBounded() {
    let long = String(repeating: "é", count: 5000)
    #expect(printable(long, limit: 10) == String(repeating: "é", count: 10) + "…")
    #expect(printable("1234567890", limit: 10) == "1234567890")
    #expect(printable(long).unicodeScalars.count == 2001)
    #expect(printable("abc", limit: 0) == "…")
  }
}

@Suite struct FailureTests {
  @Test func sentenceJoinsWhatThereIs() {
    #expect(Failure(.other, "A.").sentence == "A.")
    #expect(Failure(.other, "A.", fix: "C.").sentence == "A. C.")
    #expect(Failure(.other, "A.", why: "B.", fix: "C.", detail: "D").sentence == "A. B. C.")
  }

  @Test func kindsAreTheExitCodesOfTheCommandLine() {
    #expect(Failure.Kind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7])
    #expect(Failure.Kind.filter.rawValue == 7)
    #expect(Failure.Kind.noRoute.rawValue == 6)
    #expect(Failure.Kind.usage.rawValue == 2)
  }

  @Test func systemFailureHasTheSystemsWords() {
    let failure = Failure.system("Cannot open it.", errno: 2, fix: "Look.")
    #expect(failure.why == "The system says: No such file or directory.")
    #expect(failure.kind == .other)
  }
}

@Suite struct EnvironmentTests {
  @Test func emptyIsAsGoodAsUnset() {
    #expect(environmentValue("PODDUMP_TEST_SURELY_UNSET") == nil)
    #expect(environmentValue("PATH") != nil)
  }
}
