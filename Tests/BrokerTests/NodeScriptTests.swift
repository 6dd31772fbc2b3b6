import Foundation
import TestSupport
import Testing

@testable import Broker

/// The real script in the real shells that nodes have.
@Suite(.ownThreads) struct NodeScriptTests {
  private static func sh(_ script: String) -> [String] { ["/bin/sh", "-c", script, "sh"] }

  // MARK: - The answer

  @Test(arguments: TestShell.allCases)
  func answersInEveryShell(_ shell: TestShell) async throws {
    let run = try await ScriptRun(shell)
    let facts = try #require(run.facts)
    #expect(facts.tools.uid == geteuid())
    #expect(facts.tools.tcpdump == (try Programs.path("tcpdump")))
    #expect(facts.tools.hasSleep && facts.tools.shTimesReads == shell.timesReads)
    #expect(facts.connection?.client.text == "198.51.100.1" && facts.connection?.serverPort == 22)
    #expect(facts.nsenter == ["nsenter"] && !facts.hidesProcesses)
    #expect(facts.nodeLinks.contains { $0.name == "lo" && $0.index == 1 && $0.peer == nil })
    #expect(facts.pid == nil && facts.hash == nil && facts.podLinks.isEmpty)
    let network = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/1/ns/net")
    #expect(facts.nodeNamespace == network)
    #expect(facts.shell?.pid == Int(run.process.pid))
    let start = try #require(processStart(run.process.pid)?.split(separator: ".").last)
    #expect(facts.shell?.start == UInt64(start))
    try run.process.input.close()
    let rest = try await blocking { run.process.answer() }
    #expect(rest.end == .exited(0) && rest.output.isEmpty && rest.errors == "")
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: TestShell.allCases)
  func needsNothingButItsShellToAnswer(_ shell: TestShell) async throws {
    let words = try shell.words() + ["-s"]
    // The script adds the usual folders to the PATH, which is all that it trusts.
    let run = try await ScriptRun(words, environment: ["PATH": "/nonexistent"])
    let facts = try #require(run.facts)
    #expect(facts.connection == nil && facts.tools.uid == geteuid())
    #expect(facts.tools.tcpdump != nil)
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(0))
  }

  // MARK: - The order

  @Test(arguments: TestShell.allCases)
  func theWordsArriveAsTheyAre(_ shell: TestShell) async throws {
    let words = [
      "tcp port 80", " leading", "trailing ", "\ttab\t", "a  b", "'", "\"", "a'b\"c", "*", "?",
      "[a]",
      "~", "$x", "$(touch /tmp/x)", "`id`", "${n}", "\\", "\\n", "\\\\", "trailing\\", "", "-n",
      "-",
      "--", ";", "|", "& true", "#", "ü€😀", "\u{1b}[2J", "%s", "=", "end=", "\r", "0", "",
    ]
    let run = try await ScriptRun(shell)
    try await run.order([try Programs.path("printf"), "%s\\0"] + words)
    let rest = try await blocking { run.process.answer() }
    let came = rest.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    #expect(came.map { String(decoding: $0, as: UTF8.self) } == words)
    #expect(rest.end == .exited(0) && rest.errors == "")
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: TestShell.allCases)
  func aFilterOfTheLongestSortArrives(_ shell: TestShell) async throws {
    let filter = String(repeating: "port 80 or ", count: 372) + "ip"
    let run = try await ScriptRun(shell)
    try await run.order([try Programs.path("printf"), "%s", filter])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == filter)
  }

  @Test(arguments: TestShell.allCases, [0, 1, 42, 126] as [Int32])
  func theStatusIsTheCommands(_ shell: TestShell, _ status: Int32) async throws {
    let run = try await ScriptRun(shell)
    try await run.order(Self.sh("exit \(status)"))
    let rest = try await blocking { run.process.answer() }
    #expect(rest.end == .exited(status) && rest.errors == "")
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: TestShell.allCases)
  func withoutAnOrderItEnds(_ shell: TestShell) async throws {
    let whole = try #require(NodeScript.order(Stanza.parameters(["/bin/echo", "no"], ttl: 9)))
    for part in ["", "4\n", "4\n24\n", String(whole.dropLast(3))] {
      let run = try await ScriptRun(shell)
      try run.process.input.write(contentsOf: Array(part.utf8))
      try run.process.input.close()
      let rest = try await blocking { run.process.answer() }
      #expect(rest.end == .exited(0) && rest.output.isEmpty, "\(part)")
      #expect(try await run.nothingIsLeft())
    }
  }

  @Test(arguments: TestShell.allCases)
  func endOfInputEndsTheCommand(_ shell: TestShell) async throws {
    let run = try await ScriptRun(shell)
    try await run.order(Self.sh("trap 'exit 5' TERM; printf R; while :; do sleep 0.05; done"))
    #expect(try await blocking { try run.process.output.read(upToCount: 1) }?.first == 0x52)
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(5))
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: TestShell.allCases)
  func heartbeatsAreAnsweredAsByTheStanzaAlone(_ shell: TestShell) async throws {
    let run = try await ScriptRun(shell)
    try await run.order(Self.sh("printf R; exec sleep 1000"))
    #expect(try await blocking { try run.process.output.read(upToCount: 1) }?.first == 0x52)
    try run.process.input.write(contentsOf: [0x0A, 0x0A])
    let wanted = Array("\(Stanza.alive)\n\(Stanza.alive)\n".utf8)
    let alive = try await blocking {
      var bytes: [UInt8] = []
      while bytes.count < wanted.count {
        let more = run.process.errors.whatIsThere()
        guard !more.isEmpty else { break }
        bytes += more
      }
      return bytes
    }
    #expect(alive == wanted)
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(143))
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: TestShell.allCases)
  func theCommandCannotReadWhatWeSend(_ shell: TestShell) async throws {
    let run = try await ScriptRun(shell)
    try await run.order(Self.sh("cat; echo done"))
    // It may have ended by now, and then reads nothing either.
    try? run.process.input.write(contentsOf: Array("secret\n".utf8))
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "done\n" && rest.end == .exited(0))
  }

  @Test func anOrderIsItsWordsOneALine() {
    #expect(NodeScript.order(["a", "", "b c"]) == "3\na\n\nb c\n")
    #expect(NodeScript.order([]) == "0\n")
    for word in ["a\nb", "\n", "a\u{0}", "a\r\nb"] {
      #expect(NodeScript.order(["x", word]) == nil)
    }
  }

  // MARK: - The question

  /// Names come from the API, whose server may not be the one that it should be.
  @Test(
    arguments: TestShell.allCases,
    [
      "x'; touch MARK; '", "$(touch MARK)", "`touch MARK`", "a\ntouch MARK\n", "\\'; touch MARK #",
      "'", "\"; touch MARK; \"", "-n", "*", "a  b", "ü", "}\ntouch MARK\n{",
    ])
  func hostileWordsOfAQuestionStayWords(_ shell: TestShell, _ text: String) async throws {
    let scratch = try Scratch()
    let hostile = text.replacing("MARK", with: scratch.path + "/mark")
    var question = NodeQuestion()
    question.name = hostile
    question.containerIDs = [hostile]
    question.uids = [hostile]
    question.ways = [.cgroup, .uid]
    let run = try await ScriptRun(shell, question)
    #expect(run.facts != nil)
    // The hash is of the name as it is: it went through as one word.
    let sum = try await blocking {
      let process = try Spawned([try Programs.path("sha1sum")])
      try process.input.write(contentsOf: Array(hostile.utf8))
      try process.input.close()
      return process.answer().text
    }
    #expect(run.facts?.hash == String(sum.prefix(11)))
    try await run.order(["/bin/echo", "ordered"])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "ordered\n")
    #expect(try scratch.names().isEmpty)
  }
}
