import Foundation
import Testing

@testable import LabAPI

/// Each fault does what it says, and is over when it is cleared.
struct FaultTests {
  @Test func slow() async throws {
    try await LabServer.with { server in
      try await server.control("fault", "slow", "1500")
      let slow = try await server.kubectl("get", "--raw", "/version")
      #expect(slow.status == 0)
      #expect(slow.seconds >= 1.5)
      try await server.control("fault", "clear")
      let fast = try await server.kubectl("get", "--raw", "/version")
      #expect(fast.seconds < slow.seconds)
    }
  }

  @Test func `black hole, for new connections and for those there are`() async throws {
    try await LabServer.with { server in
      let ticking = try server.start(
        "exec", "-i", "shell", "--", "sh", "-c",
        "i=0; while read x; do i=$((i+1)); echo $i $x; done; echo end", stdin: nil)
      ticking.write("one\n")
      #expect(try await eventually { ticking.stdout == "1 one\n" })
      try await server.control("fault", "black-hole", "on")
      ticking.write("two\n")
      let silent = try await server.kubectl("get", "--raw", "/version", "--request-timeout=1s")
      #expect(silent.status == 1)
      #expect(silent.seconds >= 1)
      #expect(ticking.isRunning)
      #expect(ticking.stdout == "1 one\n")
      try await server.control("fault", "black-hole", "off")
      #expect(try await eventually { ticking.stdout == "1 one\n2 two\n" })
      ticking.closeInput()
      let outcome = try await ticking.wait()
      #expect(outcome.status == 0)
      #expect(outcome.stdout == "1 one\n2 two\nend\n")
    }
  }

  @Test func `in a black hole the server does not learn that the client has gone`() async throws {
    try await LabServer.with { server in
      let trace = server.directory + "/home/trace"
      let client = try server.start(
        "exec", "-i", "shell", "--", "sh", "-c", "cat; touch \(trace)", stdin: nil)
      client.write("x\n")
      #expect(try await eventually { client.stdout == "x\n" })
      try await server.control("fault", "black-hole", "on")
      client.send(SIGKILL)
      _ = try await client.wait()
      try await Task.sleep(for: .seconds(2))
      #expect(!FileManager.default.fileExists(atPath: trace))
      try await server.control("fault", "black-hole", "off")
      #expect(try await eventually { FileManager.default.fileExists(atPath: trace) })
    }
  }

  @Test func `black hole while output streams: nothing is lost and memory is bounded`() async throws
  {
    try await LabServer.with { server in
      let client = try server.start("exec", "shell", "--", "seq", "1", "2000000")
      #expect(try await eventually { client.stdout.utf8.count > 100_000 })
      try await server.control("fault", "black-hole", "on")
      try await Task.sleep(for: .milliseconds(1500))
      try await server.control("fault", "black-hole", "off")
      let outcome = try await client.wait(seconds: 60)
      #expect(outcome.status == 0)
      #expect(outcome.stdout.utf8.count == 14_888_896)
      #expect(outcome.stdout.hasSuffix("\n2000000\n"))
    }
  }

  @Test func refuse() async throws {
    try await LabServer.with { server in
      let before = try server.start(
        "exec", "shell", "--", "sh", "-c", "echo begun; sleep 2; echo still")
      #expect(try await eventually { before.stdout == "begun\n" })
      try await server.control("fault", "refuse")
      let refused = try await server.kubectl("get", "--raw", "/version")
      #expect(refused.stderr.contains("was refused - did you specify the right host or port?"))
      #expect(try await before.wait().stdout == "begun\nstill\n", "connections that there are stay")
      try await server.control("fault", "clear")
      #expect(try await server.kubectl("get", "--raw", "/version").status == 0)
    }
  }

  @Test func `reset in the middle of a stream`() async throws {
    try await LabServer.with { server in
      let client = try server.start(
        "exec", "shell", "--", "sh", "-c", "echo begun; sleep 20", stdin: nil)
      #expect(try await eventually { client.stdout == "begun\n" })
      try await server.control("fault", "reset")
      let outcome = try await client.wait(seconds: 5)
      #expect(outcome.status == 1)
      #expect(outcome.stderr.contains("connection reset by peer"), "\(outcome.stderr)")
      #expect(try await server.kubectl("get", "--raw", "/version").status == 0)
    }
  }

  @Test func expired() async throws {
    try await LabServer.with { server in
      let running = try server.start(
        "exec", "shell", "--", "sh", "-c", "echo begun; sleep 2; echo on")
      #expect(try await eventually { running.stdout == "begun\n" })
      try await server.control("fault", "expired")
      let refused = try await server.kubectl("get", "--raw", "/api")
      let recorded = try Recordings.error("bad-token-raw")
      #expect(refused.stderr == recorded["stderr"]?.string)
      #expect(try await running.wait().stdout == "begun\non\n", "an exec outlives its token")
      try await server.control("fault", "clear")
      #expect(try await server.kubectl("get", "--raw", "/api").status == 0)
    }
  }

  @Test func `a fault that does not exist is an error`() async throws {
    try await LabServer.with { server in
      await #expect(throws: (any Error).self) { try await server.control("fault", "nonsense") }
      await #expect(throws: (any Error).self) { try await server.control("fault", "slow", "x") }
    }
  }

  @Test func `ten thousand extra pods`() async throws {
    try await LabServer.with { server in
      try await server.control("fault", "extra-pods", "10000")
      let raw = try await server.kubectl("get", "--raw", "/api/v1/pods", seconds: 120)
      let list = try #require(
        try JSONSerialization.jsonObject(with: Data(raw.stdout.utf8)) as? [String: Any])
      let items = try #require(list["items"] as? [[String: Any]])
      let metadata = items.compactMap { $0["metadata"] as? [String: Any] }
      #expect(Set(metadata.compactMap { $0["uid"] as? String }).count == 10_009)
      #expect(metadata.count { ($0["namespace"] as? String) == "load-7" } == 1000)
      #expect(raw.stdout.utf8.count / items.count > 4500, "as large as real pods")
      // A gap in the template would show here.
      let example = try await server.kubectl(
        "get", "--raw", "/api/v1/namespaces/load-2/pods/load-00042")
      #expect(!example.stdout.contains(#/@[A-Z]+@/#))
      let selected = try await server.kubectl(
        "get", "pods", "-n", "load-3", "-l", "app=load", "-o", "name")
      #expect(selected.stdout.split(separator: "\n").count == 1000)
      let one = try await server.kubectl(
        "get", "pod", "-n", "load-2", "load-00042", "-o", "jsonpath={.status.phase}")
      #expect(one.stdout == "Running")
      let exec = try await server.kubectl("exec", "-n", "load-2", "load-00042", "--", "true")
      #expect(exec.stderr == "error: unable to upgrade connection: container not found (\"app\")\n")
      try await server.control("fault", "clear")
      let after = try await server.kubectl("get", "pods", "-A", "-o", "name")
      #expect(after.stdout.split(separator: "\n").count == 9)
      let namespaces = try await server.kubectl("get", "namespaces", "-o", "name")
      #expect(!namespaces.stdout.contains("load-"))
    }
  }
}
