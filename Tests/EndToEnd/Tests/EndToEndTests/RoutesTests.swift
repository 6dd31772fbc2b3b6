import Foundation
import Testing

extension InLab {
  /// Every pod of the lab, by the route that is chosen, and by each that can be forced; and what `plan`
  /// says beforehand is what happens.
  @Suite(.serialized, .timeLimit(.minutes(15)))
  struct RoutesTests {
    static let names = ["exec", "ssh", "upload", "debug", "node"]
    /// Nobody has configured anything; and somebody has allowed everything.
    static let nothing = SSHLogin(order: [], isConfigured: false)
    static let everything = SSHLogin(order: [], allowed: ["node"])

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// Does something while the one pod that has no traffic has some, and expects nothing to be left.
    private func leavingNothing(_ body: () throws -> Void) throws {
      let before = try Lab.processes()
      let files = try lab.running.map { ($0.target, try Lab.files($0.target)) }
      let pinging = try Pinging(from: "bb", lab.address("quiet"), for: 600)
      defer { pinging.end() }
      try body()
      pinging.end()
      try folder.clean()
      folder.expectNoJournal()
      try Cluster.expectNoHelpers()
      try Lab.expectNothingLeft(since: before, within: 20)
      for (pod, earlier) in files {
        #expect(try Lab.files(pod).subtracting(earlier) == [], "files left in \(pod)")
      }
    }

    /// Names of ephemeral containers are made by chance.
    private func stable(_ text: String) -> String {
      text.replacing(/poddump-[0-9a-f]{8}/, with: "poddump-SESSION")
    }

    /// Without any option or configuration; and where that is not enough, with a configuration.
    @Test func everyPodIsCapturedByTheRouteThatPlanNames() throws {
      var pods = lab.running
      #expect(pods.count >= 40, "these are the lab's pods")
      try leavingNothing {
        for login in [Self.nothing, Self.everything] {
          let five = FivePackets(folder: folder, login: login)
          let plans = try five.plans(pods)
          let captures = try five.captures(pods.map { ($0, []) })
          var refused: [(pod: Inventory.Pod, words: String)] = []
          for (pod, (asked, end)) in zip(pods, zip(plans, captures)) {
            let plan = try PlanAnswer(asked)
            #expect(plan.chosen?.route == plan.routes.first { $0.usable }?.route)
            guard let chosen = plan.chosen else {
              #expect(asked.status == end.status && end.status != 0, "\(pod.target): \(end.errors)")
              #expect(end.bytes.isEmpty)
              #expect(stable(asked.errors) == stable(end.errors), "\(pod.target)")
              refused.append((pod, stable(end.errors)))
              continue
            }
            try five.expect(end, of: pod, by: chosen.route)
            // Why the others were not taken, and those before only.
            let others = plan.routes.prefix { !$0.usable }
            for route in others {
              #expect(
                stable(end.errors).contains("Not by \(route.route): \(stable(route.why ?? ""))"),
                "\(pod.target): \(end.errors)")
            }
            #expect(end.errors.split(separator: "Not by ").count == others.count + 1)
          }
          Golden.expect(
            refused.map { "\($0.pod.target)\n\($0.words)" }.joined(separator: "\n"), "Routes",
            "pods that cannot be captured with \(login.isConfigured ? "ssh" : "nothing") configured"
          )
          pods = refused.map(\.pod)
        }
      }
    }

    @Test func aRouteThatIsForcedDoesWhatPlanSays() throws {
      let pods = lab.running
      let five = FivePackets(folder: folder, login: Self.everything)
      try leavingNothing {
        let plans = try five.plans(pods).map { try PlanAnswer($0) }
        // Where it is usable, from every pod; where it is refused, once for every reason.
        var reasons: Set<String> = []
        let forced = zip(pods, plans).flatMap { pod, plan in
          plan.routes.filter { route in
            route.usable || reasons.insert("\(route.route) \(stable(route.why ?? ""))").inserted
          }.map { (pod: pod, route: $0) }
        }
        for name in Self.names {
          #expect(
            forced.contains { $0.route.route == name && $0.route.usable }, "\(name) works nowhere")
        }
        let ends = try five.captures(forced.map { ($0.pod, ["--route", $0.route.route]) })
        for ((pod, route), end) in zip(forced, ends) where route.usable {
          try five.expect(end, of: pod, by: route.route)
        }
        for ((pod, route), end) in zip(forced, ends) where !route.usable {
          let alone = try Self.everything.poddump(
            ["plan", pod.target, "--route", route.route], in: folder)
          let comment = "\(pod.target) by \(route.route)"
          #expect(end.status == alone.status && end.status != 0, "\(comment): \(end.errors)")
          #expect(end.bytes.isEmpty, "\(comment)")
          #expect(stable(end.errors).contains(stable(route.sentence)), "\(comment): \(end.errors)")
          #expect(stable(alone.errors) == stable(end.errors), "\(comment): \(alone.errors)")
        }
      }
    }

    /// What does not run anywhere is refused, each for its own reason.
    @Test func whatDoesNotRunIsRefusedWithItsReason() throws {
      let ghost = """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ghost", "namespace": "shop"},
         "spec": {"nodeName": "n9", "containers": [{"name": "ghost", "image": "lab/web:1"}]}}
        """
      let made = try Cluster.kubectl(["create", "-f", "-"], input: ghost)
      #expect(made.status == 0, "\(made.errors)")
      defer {
        _ = try? Cluster.kubectl([
          "delete", "pod", "ghost", "-n", "shop", "--grace-period=0", "--force",
        ])
      }
      // With a Windows node.
      try Lab.run("pretend", "on")
      defer { _ = try? Lab.run("pretend", "off") }
      let lab = try Inventory.load()
      let before = try Lab.processes()
      // A container may be added to one whose own crash: there is nothing real to it in the lab.
      let pods =
        lab.pods.filter { !$0.isReal && $0.name != "crash" }.map(\.target) + ["shop/ghost"]
      #expect(pods.count >= 4)
      for pod in pods {
        let end = try Self.everything.poddump(
          ["capture", pod, "--count", "5", "-w", "-"], in: folder)
        let plan = try Self.everything.poddump(["plan", pod], in: folder)
        #expect(end.status == 6 && plan.status == 6, "\(pod): \(end)")
        #expect(end.bytes.isEmpty && end.seconds < 20, "\(pod): \(end)")
        Golden.expect(end.errors, "Routes", "\(pod), which does not run")
      }
      folder.expectNoJournal()
      try Cluster.expectNoHelpers()
      try Lab.expectNothingLeft(since: before, within: 10)
    }
  }
}
