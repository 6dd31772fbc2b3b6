import Testing

@testable import Extcap

struct GrammarTests {
  @Test(arguments: [
    ("plain", "plain"), ("shop/web-0 · n1 · staging", "shop/web-0 · n1 · staging"), ("", ""),
    ("{a} b{c}", "(a) b(c)"), (" a ", "a"), ("a\tb\nc", "a b c"), ("a\u{0}b", "a\u{fffd}b"),
    ("\u{1b}[31m", "\u{fffd}[31m"), ("\u{202e}x", "\u{fffd}x"), ("日本 💥", "日本 💥"), ("   ", ""),
    ("a  b", "a  b"), ("\n", ""),
  ])
  func shownTextIsCleaned(text: String, wanted: String) {
    #expect(Grammar.shown(text) == wanted)
  }

  @Test func shownTextIsCut() {
    #expect(Grammar.shown("abcdef", limit: 4) == "abc…")
    #expect(Grammar.shown("日本日本", limit: 4) == "日本日本")
    #expect(Grammar.shown(String(repeating: "日", count: 5), limit: 4) == "日日日…")
  }

  @Test(arguments: [
    "", "web-0", "shop/web-0", "a}b", "{a", "a{b}c", "arn:aws:eks:x:cluster/Y", "a b", "日本", "$(x)",
    "\\", "\"",
  ])
  func exactTextStays(text: String) {
    #expect(Grammar.exact(text) == text)
  }

  @Test(arguments: [
    "a}", "a} b", "a}{b", " a", "a ", "a\tb", "a\nb", "a\u{0}", "\u{202e}", "\u{a0}",
    String(repeating: "x", count: 5000),
  ])
  func whatWouldNotComeBackIsRefused(text: String) {
    #expect(Grammar.exact(text) == nil)
  }

  @Test func everyExactTextComesBack() throws {
    for name in Sample.hostileNames {
      guard let sentence = Sentence.value(argument: 1, Choice(name, display: "x")) else { continue }
      let lint = try WiresharkLint(Sentence.lines([sentence]))
      #expect(lint.problems == [])
      #expect(lint.lines.first?.parameters["value"] == name)
    }
  }

  @Test func sentences() throws {
    let lines = Sentence.lines(
      [
        .extcap(version: "1.0", help: "file:///x", display: "poddump"),
        .interface(.portal, display: "{x} y"), .interface(.portal, display: "\u{0}"),
        .interface(.portal, display: " "),
        .dlt(number: 1, name: "EN10MB", display: "Ethernet"),
        .argument(.pod, number: 2, isSaved: true, for: .unknown),
        .argument(.throughput, number: 0, isSaved: false, for: .unknown),
        .argument(.count, number: 1, isSaved: true, for: .unknown),
        .argument(.logFile, number: 3, isSaved: true, for: .unknown),
        .value(argument: 2, Choice("a", display: "b", isDefault: true)),
        .value(argument: 2, Choice("a")), .value(argument: 2, Choice("")),
        .value(argument: 2, Choice("a} b")),
        .control(number: 0, .button, display: "Log", role: .logger, tooltip: "What happens"),
        .control(number: 1, .selector, display: "Pods"),
        .value(control: 1, Choice("x", display: "y")),
      ].compactMap(\.self))
    try expectGolden("sentences.txt", lines)
    #expect(try WiresharkLint(lines).problems == [])
  }
}
