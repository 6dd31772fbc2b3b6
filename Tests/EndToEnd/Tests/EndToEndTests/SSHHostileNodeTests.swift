import Foundation
import Testing

extension InLab {
  /// The node lacks something, or the pod is not where it is said to be.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct SSHHostileNodeTests {
    let hostile: SSHHostile

    init() throws { hostile = try SSHHostile() }

    static let settings: [(String, [SSHCase])] = [
      (
        "no-tcpdump",
        [
          SSHCase(
            name: "no tcpdump", words: ["--engine", "tcpdump"], code: 6, says: ["no tcpdump"])
        ]
      ),
      (
        "old-tcpdump",
        [
          .user("old tcpdump", "root", code: 6, says: ["too old", "--throughput"]),
          SSHCase(name: "old tcpdump, --throughput", words: ["--throughput"], code: 0),
        ]
      ),
      ("older-tcpdump", [.user("older tcpdump", "root", code: 6, says: ["too old"])]),
      (
        "hidepid",
        [
          .user("hidden processes, root", "root", code: 0),
          .user("hidden processes, sudo", "ops", code: 0),
          .user("hidden processes, nobody special", "dev", code: 4),
          SSHCase(
            name: "hidden processes, tcpdump only", login: SSHLogin(user: "tcpdumponly"),
            words: ["--ttl", "0"], code: 0, seconds: 12),
        ]
      ),
      (
        "no-ip",
        [
          .user("no ip", "root", code: 0), .user("no ip, sudo", "ops", code: 0),
          SSHCase(name: "no ip, a moved pod", pod: "shop/moved", code: 0),
          SSHCase(name: "no ip, in the pod", words: ["--at", "pod"], code: 0),
        ]
      ),
      (
        "no-nsenter",
        [
          .user("no nsenter", "root", code: 0),
          SSHCase(name: "no nsenter, a moved pod", pod: "shop/moved", code: 0),
        ]
      ),
      (
        "busybox",
        [
          .user("busybox only", "root", code: 0), .user("busybox only, sudo", "ops", code: 0),
          SSHCase(name: "busybox only, a moved pod", pod: "shop/moved", code: 0),
          SSHCase(name: "busybox only, in the pod", words: ["--at", "pod"], code: 0),
        ]
      ),
      ("no-sudo", [.user("no sudo", "ops", code: 4, says: ["no sudo"])]),
      ("no-bash", [.user("no bash", "ops", code: 0)]),
      (
        "no-sleep",
        [
          .user("no sleep", "root", code: 6, says: ["--ttl 0"]),
          SSHCase(name: "no sleep, accepted", words: ["--ttl", "0"], code: 0),
        ]
      ),
    ]

    @Test(arguments: settings) func node(setting: String, cases: [SSHCase]) throws {
      defer { _ = try? Lab.run("node", "n1", "clear") }
      try Lab.run("node", "n1", setting, "on")
      for it in cases { try hostile.expect(it) }
    }

    /// busybox nsenter and no other: without either, the pod's network cannot be entered.
    @Test func noNsenterAtAll() throws {
      defer { _ = try? Lab.run("node", "n1", "clear") }
      try Lab.run("node", "n1", "no-nsenter", "on")
      try Lab.run("node", "n1", "no-busybox", "on")
      try hostile.expect(SSHCase(name: "no nsenter at all", code: 0))
      try hostile.expect(
        SSHCase(name: "no nsenter at all, a moved pod", pod: "shop/moved", code: 0))
      try hostile.expect(
        SSHCase(
          name: "no nsenter at all, in the pod", words: ["--at", "pod"], code: 6,
          says: ["no nsenter", "--at host"]))
      // Where nothing lists the links but sysfs, there is too little to be sure of the interface.
      try Lab.run("node", "n1", "no-ip", "on")
      for pod in ["shop/web", "shop/moved"] {
        try hostile.expect(
          SSHCase(
            name: "no nsenter, no ip, \(pod)", pod: pod, code: 6,
            says: ["nothing else confirms", "no nsenter", "util-linux"]))
      }
    }

    /// Debian's tcpdump becomes another user once it has opened the interface; it is ended all the same.
    @Test func aTcpdumpThatChangesUserIsEnded() throws {
      let processes = try Lab.processes()
      let program = try hostile.start(
        SSHCase(name: "", words: ["-f", "port 9"], code: 0), .libssh2)
      func there() -> LocalProcess? {
        LocalProcess.all { $0.name == "tcpdump" && $0.arguments.last?.contains("port 9") == true }
          .first
      }
      #expect(program.wait(10) { there() != nil })
      usleep(300_000)
      let pid = try #require(there()).pid
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let user = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }
      #expect(user.map { !$0.hasPrefix("Uid:\t0\t") } == true, "it stayed root: \(user ?? "")")
      kill(program.pid, SIGKILL)
      _ = program.finish(within: 5)
      try Lab.expectNothingLeft(since: processes, within: 15)
    }

    // MARK: What the cluster says is not so

    /// Changes what the API stand-in says of a pod, and puts it back.
    private func withPod(
      _ name: String, _ change: (inout [String: Any]) -> Void, _ body: () throws -> Void
    ) throws {
      let file = Lab.directory + "/lab.json"
      let before = try Data(contentsOf: URL(filePath: file))
      func load(_ bytes: Data) throws {
        try bytes.write(to: URL(filePath: file), options: .atomic)
        let pid = try String(contentsOfFile: Lab.directory + "/api.pid", encoding: .utf8)
        kill(try #require(Int32(pid.split(whereSeparator: \.isWhitespace)[0])), SIGHUP)
        usleep(500_000)
      }
      var root = try #require(try JSONSerialization.jsonObject(with: before) as? [String: Any])
      var pods = try #require(root["pods"] as? [[String: Any]])
      let place = try #require(pods.firstIndex { $0["name"] as? String == name })
      change(&pods[place])
      root["pods"] = pods
      defer { try? load(before) }
      try load(JSONSerialization.data(withJSONObject: root))
      try body()
    }

    @Test func thePodHasMoved() throws {
      try withPod("web", { $0["node"] = "n2" }) {
        try hostile.expect(
          SSHCase(name: "pod moved meanwhile", code: 5, says: ["n2", "kubectl get pod"]))
      }
    }

    @Test func theNodeHasNoAddress() throws {
      try withPod("web", { $0["node"] = "n9" }) {
        try hostile.expect(SSHCase(name: "unknown node", code: 5, says: ["n9"]))
      }
    }

    /// The container that the API tells of ended and another took its place: found by the pod.
    @Test func anotherContainerRunsMeanwhile() throws {
      try withPod(
        "web",
        { pod in
          var containers = pod["containers"] as? [[String: Any]] ?? []
          for index in containers.indices {
            containers[index]["containerID"] = "containerd://" + String(repeating: "ab", count: 32)
          }
          pod["containers"] = containers
        }
      ) {
        try hostile.expect(SSHCase(name: "another container meanwhile", code: 0))
      }
    }
  }
}
