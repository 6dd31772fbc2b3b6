import Foundation
import TestSupport
import Testing

/// `poddump open-link`, as a desktop runs it: scripts stand in the places of the window that asks, of
/// Wireshark, and of kubectl, and write down how they were called.
@Suite struct OpenLinkTests {
  private struct Desktop {
    let poddump: Executable

    /// - Parameters:
    ///   - dialogs: The exit status of each program that asks.
    ///   - wireshark: Whether there is one.
    /// - Throws: When a program is missing or a file cannot be made.
    init(dialogs: [String: Int], wireshark: Bool = true) throws {
      var poddump = try Executable()
      poddump.environment["DISPLAY"] = ":97"
      self.poddump = poddump
      for name in ["mv", "cat"] { try poddump.link(name, to: Programs.path(name)) }
      for (name, status) in dialogs { try stand(name, "exit \(status)") }
      if wireshark { try stand("wireshark", "exit 0") }
      try poddump.fakeKubectl(
        """
        echo '{"contexts": [{"name": "lab", "context": {"cluster": "a", "user": "a"}},
          {"name": "Prod", "context": {"cluster": "b", "user": "b"}}]}'
        """)
    }

    private func stand(_ name: String, _ script: String) throws {
      let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
      try poddump.link(name, to: data.appendingPathComponent("fake-program").path)
      try poddump.scratch.text("\(name).sh", script)
    }

    /// How a program was called; nil if it was not.
    func call(_ name: String) -> [String]? {
      guard let bytes = try? contents(poddump.scratch.path + "/\(name).args") else { return nil }
      return String(decoding: bytes, as: UTF8.self).dropLast()
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private static let link = "poddump://lab/shop/web"

  @Test(arguments: [("zenity", 0), ("kdialog", 0), ("xmessage", 20)])
  func aYesOpensWireshark(name: String, status: Int) async throws {
    let desktop = try Desktop(dialogs: [name: status])
    let answer = try await desktop.poddump("open-link", Self.link)
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.text == "" && answer.errors == "")
    let isStarted = try await eventually { desktop.call("wireshark") != nil }
    #expect(isStarted)
    #expect(
      desktop.call("wireshark") == [
        "-k", "-i", "poddump", "-o", "extcap.poddump.context:lab", "-o",
        "extcap.poddump.namespace:shop", "-o", "extcap.poddump.pod:web", "-o",
        "extcap.poddump.container:", "-o", "extcap.poddump.interface:",
      ])
    let asked = try #require(desktop.call(name)).joined(separator: "\n")
    #expect(asked.contains("Context: lab\nNamespace: shop\nPod: web"))
  }

  @Test(arguments: [("zenity", 1), ("kdialog", 2), ("xmessage", 21)])
  func aNoOpensNothing(name: String, status: Int) async throws {
    let desktop = try Desktop(dialogs: [name: status])
    let answer = try await desktop.poddump("open-link", Self.link)
    #expect(answer.end == .exited(0) && answer.errors == "")
    #expect(desktop.call(name) != nil && desktop.call("wireshark") == nil)
  }

  /// One that cannot show its window has asked nobody.
  @Test func whereNobodyCanBeAskedItIsRefused() async throws {
    for dialogs in [[:], ["xmessage": 1], ["zenity": 255, "kdialog": 254]] {
      let desktop = try Desktop(dialogs: dialogs)
      let answer = try await desktop.poddump("open-link", Self.link)
      #expect(answer.end == .exited(4))
      try Golden().check(answer.errors, "link-nobody-to-ask.txt")
      #expect(desktop.call("wireshark") == nil)
    }
    let next = try Desktop(dialogs: ["zenity": 255, "xmessage": 20])
    #expect(try await next.poddump("open-link", Self.link).end == .exited(0))
    let isStarted = try await eventually { next.call("wireshark") != nil }
    #expect(isStarted)
  }

  /// Without any window the terminal in the foreground asks; script(1) makes one.
  @Test(arguments: [("y", true), ("YES", true), ("n", false), ("", false), ("yep", false)])
  func aTerminalAsks(answer: String, isYes: Bool) async throws {
    let desktop = try Desktop(dialogs: [:])
    let words = try [
      Programs.path("script"), "-qec", "'\(Executable.path("poddump"))' open-link \(Self.link)",
      "/dev/null",
    ]
    var environment = desktop.poddump.environment
    environment["SHELL"] = "/bin/sh"
    let spawned = try Spawned(words, environment: environment)
    try spawned.input.write(contentsOf: Data("\(answer)\n".utf8))
    let said = try await blocking { spawned.answer() }
    #expect(said.end == .exited(0), "\(said)")
    #expect(said.text.contains("Context: lab\r\nNamespace: shop\r\nPod: web"), "\(said.text)")
    #expect(said.text.contains("[y/N] "))
    let isStarted = try await eventually(within: isYes ? 20 : 0.5) {
      desktop.call("wireshark") != nil
    }
    #expect(isStarted == isYes)
  }

  @Test func anUnknownContextIsToldInAWindow() async throws {
    let desktop = try Desktop(dialogs: ["zenity": 0])
    let answer = try await desktop.poddump("open-link", "poddump://other/shop/web")
    #expect(answer.end == .exited(5))
    try Golden().check(answer.errors, "link-unknown-context.txt")
    let told = try #require(desktop.call("zenity"))
    #expect(told.first == "--error" && told.last?.contains("no context other") == true)
    #expect(desktop.call("wireshark") == nil)
  }

  @Test func theContextIsTheKubeconfigsOwn() async throws {
    let desktop = try Desktop(dialogs: ["zenity": 0])
    #expect(try await desktop.poddump("open-link", "poddump://prod/shop/web").end == .exited(0))
    let isStarted = try await eventually { desktop.call("wireshark") != nil }
    #expect(isStarted)
    #expect(desktop.call("wireshark")?.contains("extcap.poddump.context:Prod") == true)
  }

  @Test(arguments: [
    ["poddump://lab/shop/web", "-v"], ["--help", "poddump://lab/shop/web"], [], ["--help"],
    ["poddump://lab/shop/web?route=node"], ["poddump://lab/shop/--allow"], ["file:///etc/passwd"],
  ])
  func aForgedOneIsNotEvenAskedAbout(words: [String]) async throws {
    let desktop = try Desktop(dialogs: ["zenity": 0])
    let answer = try await desktop.poddump.run(["open-link"] + words)
    #expect(answer.end == .exited(2))
    #expect(desktop.call("zenity")?.first != "--question")
    #expect(desktop.call("wireshark") == nil && desktop.poddump.calls() == [])
  }

  @Test func withoutWiresharkItSaysWhatElseToDo() async throws {
    var desktop = try Desktop(dialogs: ["zenity": 0]).poddump
    desktop.environment["DISPLAY"] = nil
    let answer = try await desktop("open-link", Self.link)
    #expect(answer.end == .exited(5))
    try Golden().check(answer.errors, "link-no-screen.txt")
  }
}
