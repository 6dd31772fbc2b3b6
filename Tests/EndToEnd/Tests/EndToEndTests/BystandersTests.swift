import Foundation
import Testing

extension InLab {
  /// Other people's processes beside ours; and that the lab is honest: what has no way back stays.
  @Suite(.serialized, .timeLimit(.minutes(1)))
  struct BystandersTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// Somebody's own tcpdump in the pod, as people start it by hand.
    private func startByHand(filter: String) throws -> Program {
      try Program([
        "/usr/bin/env", "kubectl", "exec", "-n", "shop", "web", "--", "tcpdump", "-i", "eth0", "-w",
        "/dev/null", filter,
      ])
    }

    /// The process number inside the container of a tcpdump with this filter.
    private func numberInside(_ process: LocalProcess) throws -> String {
      let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("NSpid:") })
      return String(try #require(line.split(separator: "\t").last))
    }

    @Test func aTcpdumpWithoutOurCareIsLeftBehind() throws {
      let before = try Lab.processes()
      let filter = "port 9"
      let program = try startByHand(filter: filter)
      func there() -> LocalProcess? {
        LocalProcess.all { $0.name == "tcpdump" && $0.arguments.last == filter }.first
      }
      #expect(program.wait(20) { there() != nil })
      usleep(300_000)
      kill(program.pid, SIGKILL)
      _ = program.finish(within: 5)
      sleep(6)
      let left = try #require(there(), "the lab ends what a cluster leaves behind")
      #expect(try !Lab.processes().subtracting(before).isEmpty, "the difference does not show it")
      let end = try Program.run([
        Lab.command, "exec-in", "shop/web", "bash", "-c", "kill -9 \(numberInside(left))",
      ])
      #expect(end.status == 0, "\(end.errors)")
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    @Test func nobodyElsesTcpdumpAndNoOtherCaptureIsEnded() throws {
      let before = try Lab.processes()
      let filter = "port 11"
      let byHand = try startByHand(filter: filter)
      func there() -> LocalProcess? {
        LocalProcess.all { $0.name == "tcpdump" && $0.arguments.last == filter }.first
      }
      #expect(byHand.wait(20) { there() != nil })
      let captures = try [StopsTests.busy, StopsTests.busy].map {
        try Capturing(.commandLine, $0, in: folder)
      }
      captures.waitUntilCapturing()
      kill(captures[0].program.pid, SIGINT)
      #expect(captures[0].program.finish(within: 10).status == 0)
      let size = captures[1].size
      #expect(
        captures[1].program.wait(10) { captures[1].size > size }, "the other one was disturbed")
      #expect(there() != nil, "somebody's own tcpdump was ended")
      #expect(byHand.process.isRunning)
      kill(captures[1].program.pid, SIGINT)
      #expect(captures[1].program.finish(within: 10).status == 0)
      let left = try #require(there())
      _ = try Program.run([
        Lab.command, "exec-in", "shop/web", "bash", "-c", "kill \(numberInside(left))",
      ])
      #expect(byHand.finish(within: 10).status != -1)
      try Lab.expectNothingLeft(since: before, within: 10)
    }
  }
}
