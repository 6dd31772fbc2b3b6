import Foundation
import Testing

extension InLab {
  /// The link to a node is cut without a word: nothing is left there in 30 s where the shell can time its
  /// reads, else at the time limit; and the plan says which.
  @Suite(.serialized, .timeLimit(.minutes(4)))
  struct SSHBlackHoleTests {
    let folder: Folder

    init() throws {
      folder = try Folder()
      try SSHLogin().waitUntilListed("pod:shop/web", in: folder)
    }

    private func clear() {
      for node in Lab.nodes {
        _ = try? Lab.run("link", node, "clear")
        _ = try? Lab.run("node", node, "clear")
      }
    }

    private static let timed = "20 to 25 s after the connection went dead"
    private static let untimed = "at the time limit, if the connection goes dead"

    private func expectPlan(
      _ words: [String], says text: String, not other: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let plan = try SSHLogin().poddump(["plan"] + words, in: folder)
      #expect(plan.status == 0, "\(plan.errors)", sourceLocation: sourceLocation)
      #expect(plan.output.contains(text), "\(plan.output)", sourceLocation: sourceLocation)
      #expect(!plan.output.contains(other), "\(plan.output)", sourceLocation: sourceLocation)
    }

    @Test func withBash() throws {
      defer { clear() }
      try expectPlan(["shop/web"], says: Self.timed, not: Self.untimed)
      let before = try Lab.processes()
      let stopped = try SSHStopsTests.allLogins.map { login in
        try Capturing(.commandLine, SSHStopsTests.busy, in: folder, by: login)
      }
      let patient = try SSHStopsTests.logins.flatMap { login in
        try Capturing.Way.allCases.flatMap { way in
          try SSHStopsTests.places.map { try Capturing(way, $0, in: folder, by: login) }
        }
      }
      (stopped + patient).waitUntilCapturing()
      for node in Lab.nodes { try Lab.run("link", node, "black-hole") }
      let begin = Date()

      // Somebody who gives up does not wait for a network that is not there.
      usleep(500_000)
      let signalled = Date()
      for capture in stopped { kill(capture.program.pid, SIGTERM) }
      for capture in stopped {
        let end = capture.program.finish(within: 10)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
      }
      stopped.expectNothingHere()
      #expect(Date().timeIntervalSince(signalled) <= 5)
      for capture in stopped { #expect(capture.isCapturing, "the connection is not dead") }

      // The others notice by themselves, here and there.
      for capture in patient {
        let end = capture.program.finish(within: 40)
        #expect(Date().timeIntervalSince(begin) <= 30, "\(capture.description)")
        #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
        if capture.way == .commandLine {
          #expect(end.status == 3, "\(capture.description): \(end)")
        }
        #expect(
          try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
      }
      patient.expectNothingHere()
      let all = patient + stopped
      while all.contains(where: \.isCapturing), Date().timeIntervalSince(begin) < 30 {
        usleep(100_000)
      }
      for capture in all { #expect(!capture.isCapturing, "left there: \(capture.description)") }
      #expect(Date().timeIntervalSince(begin) >= 10)
      // The sshds hold on to their dead connections; the kernel's patience with those is not ours.
      let left = try ours(since: before)
      #expect(left.isEmpty, "left there: \(left)")
      for node in Lab.nodes {
        try Lab.run("link", node, "clear")
        try Lab.run("link", node, "reset")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    /// What is new on the nodes, but for sshd's own processes.
    private func ours(since before: Set<String>) throws -> [String] {
      try Lab.processes().subtracting(before).filter { !$0.contains(" sshd") }.sorted()
    }

    @Test func withoutBash() throws {
      defer { clear() }
      for node in Lab.nodes { try Lab.run("node", node, "no-bash", "on") }
      let limit = ["--ttl", "10s"]
      try expectPlan(["shop/web"] + limit, says: Self.untimed, not: Self.timed)
      let before = try Lab.processes()
      let captures = try SSHStopsTests.allLogins.flatMap { login in
        try SSHStopsTests.places.map {
          try Capturing(.commandLine, $0, in: folder, limit, by: login)
        }
      }
      captures.waitUntilCapturing()
      for node in Lab.nodes { try Lab.run("link", node, "black-hole") }
      let begin = Date()
      for capture in captures {
        let end = capture.program.finish(within: 20)
        #expect(end.status == 1, "\(capture.description): \(end)")
        #expect(
          end.errors.contains("was cut") && end.errors.contains("time limit"), "\(end.errors)")
      }
      // Only the janitors are left, which wait for the network and would end what is there.
      for capture in captures {
        #expect(capture.here("poddump")?.isJanitor == true, "\(capture.description)")
        let others = capture.processesHere.filter { !$0.isJanitor && $0.name != "ssh" }
        #expect(others.isEmpty, "\(capture.description): \(others)")
      }
      for capture in captures { #expect(capture.isCapturing, "the connection is not dead") }
      // There it is the limit and 15 s, and the captures did not begin at once.
      while captures.contains(where: \.isCapturing), Date().timeIntervalSince(begin) < 35 {
        usleep(100_000)
      }
      for capture in captures { #expect(!capture.isCapturing, "left: \(capture.description)") }
      let left = try ours(since: before)
      #expect(left.isEmpty, "left there: \(left)")
      for node in Lab.nodes {
        try Lab.run("link", node, "clear")
        try Lab.run("link", node, "reset")
      }
      captures.expectNothingHere(within: 60)
      folder.expectNoJournal(within: 5)
      try Lab.expectNothingLeft(since: before, within: 15)
    }
  }
}
