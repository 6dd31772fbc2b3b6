import Foundation
import TestSupport
import Testing

@testable import Broker

/// The script's search for a pod's process, with real processes in network namespaces of their own.
@Suite(.ownThreads) struct NodeProcessTests {
  /// Starts a process in a network namespace of its own, after some commands there; it ends with our
  /// end of its input.
  private static func inside(_ commands: String) async throws -> Spawned {
    let user = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
    let process = try Spawned(
      [try Programs.path("unshare"), "--net"] + user
        + ["--", "/bin/sh", "-ec", "ip link set lo up; \(commands); printf R; exec cat"])
    let first = try await blocking { process.output.whatIsThere() }
    try #require(first == [0x52], "\(process.answer(atMost: 1).errors)")
    return process
  }

  private static func end(_ processes: [Spawned]) async throws {
    for process in processes {
      kill(process.pid, SIGKILL)
      _ = try await blocking { process.wait() }
    }
  }

  /// A number that no other run on this machine has, as far as chance can tell.
  private static func chance(_ range: ClosedRange<Int>) -> Int { Int.random(in: range) }

  /// A node has a route to each of its pods, and its own processes are older.
  @Test(arguments: TestShell.allCases)
  func aRouteToAnAddressIsNoAddress(_ shell: TestShell) async throws {
    let address = "198.51.100.\(Self.chance(128...254))"
    let node = try await Self.inside(
      "ip addr add 198.51.100.1/32 dev lo; ip route add \(address)/32 dev lo")
    let pod = try await Self.inside("ip addr add \(address)/32 dev lo")
    var question = NodeQuestion()
    question.addresses = [NodeFactsTests.address(address)]
    question.uids = ["no-such-pod"]
    question.ways = [.address]
    let facts = try #require(try await ScriptRun(shell, question).facts)
    #expect(facts.pid == pod.pid && facts.pid != node.pid)
    #expect(facts.way == .address && facts.isConfirmed)
    try await Self.end([node])
    try await Self.end([pod])
    let after = try #require(try await ScriptRun(shell, question).facts)
    #expect(after.pid == nil && !after.isConfirmed)
  }

  @Test(arguments: TestShell.allCases)
  func byAnIPv6Address(_ shell: TestShell) async throws {
    let words = (0..<6).map { _ in String(Self.chance(1...0xFFFF), radix: 16) }
    let address = "2001:db8:" + words.joined(separator: ":")
    let pod = try await Self.inside("ip addr add \(address)/128 dev lo")
    var question = NodeQuestion()
    question.addresses = [NodeFactsTests.address(address)]
    question.uids = ["no-such-pod"]
    question.ways = [.address]
    let facts = try #require(try await ScriptRun(shell, question).facts)
    #expect(facts.pid == pod.pid && facts.way == .address && facts.isConfirmed)
    try await Self.end([pod])
  }

  /// What runs beside a container (conmon) has its ID in the cgroup as well, and the node's network.
  @Test(arguments: TestShell.allCases)
  func ofSeveralTheOneWithTheAddressCounts(_ shell: TestShell) async throws {
    let address = "198.51.100.\(Self.chance(128...254))"
    let beside = try await Self.inside("ip route add \(address)/32 dev lo")
    let pod = try await Self.inside("ip addr add \(address)/32 dev lo")
    // Every process's list of cgroups has a colon, which is all that is looked for.
    var question = NodeQuestion()
    question.containerIDs = [":"]
    question.addresses = [NodeFactsTests.address(address)]
    question.ways = [.cgroup, .address]
    let facts = try #require(try await ScriptRun(shell, question).facts)
    #expect(facts.pid == pod.pid && facts.isConfirmed)
    try await Self.end([beside, pod])
  }
}
