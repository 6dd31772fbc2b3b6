import Foundation
import Testing

extension InLab {
  /// Every pod of the lab, by the route that is chosen, and by each that can be forced; and what `plan`
  /// says beforehand is what happens.
  @Suite(.serialized, .timeLimit(.minutes(5)))
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
      let pinging = try Pinging(from: "bb", lab.address("quiet"))
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

    @Test(arguments: [nothing, everything])
    func everyPodIsCapturedByTheRouteThatPlanNames(login: SSHLogin) throws {
      let pods = lab.running
      #expect(pods.count >= 18, "these are the lab's pods")
      let five = FivePackets(folder: folder, login: login)
      var refused: [String] = []
      try leavingNothing {
        let plans = try five.plans(pods)
        let captures = try five.captures(pods.map { ($0, []) })
        for (pod, (asked, end)) in zip(pods, zip(plans, captures)) {
          let plan = try PlanAnswer(asked)
          let earlier = plan.routes.prefix { !$0.usable }
          for route in earlier where route.why != nil && plan.chosen != nil {
            #expect(
              end.errors.contains("Not by \(route.route): \(route.why ?? "")"),
              "\(pod.target): \(end.errors)")
          }
          if let chosen = plan.chosen {
            #expect(chosen.route == plan.routes.first { $0.usable }?.route)
            try five.expect(end, of: pod, by: chosen.route)
          } else {
            #expect(asked.status == end.status && end.status != 0, "\(pod.target): \(end.errors)")
            #expect(end.bytes.isEmpty && asked.errors == end.errors, "\(pod.target): \(end.errors)")
            refused.append("\(pod.target)\n\(end.errors)")
          }
        }
      }
      // The restricted ones need a word from the user first: ssh, or a helper pod.
      Golden.expect(
        refused.sorted().joined(separator: "\n"), "Routes",
        "pods that cannot be captured, \(login.allowed.isEmpty ? "nothing" : "everything") configured")
    }

    @Test(arguments: names)
    func aRouteThatIsForcedDoesWhatPlanSays(route: String) throws {
      let pods = lab.running
      let five = FivePackets(folder: folder, login: Self.everything)
      let force = ["--route", route]
      try leavingNothing {
        let plans = try five.plans(pods).map { try PlanAnswer($0) }
        let ends = try five.captures(pods.map { ($0, force) })
        var forced = try five.plans(
          zip(pods, plans).filter { $1[route]?.usable == false }.map(\.0), force)
        #expect(forced.count < pods.count, "\(route) works for no pod")
        for (pod, (plan, end)) in zip(pods, zip(plans, ends)) {
          let said = try #require(plan[route], "\(pod.target): plan is silent about \(route)")
          guard !said.usable else {
            try five.expect(end, of: pod, by: route)
            continue
          }
          let alone = forced.removeFirst()
          #expect(end.status == alone.status && end.status != 0, "\(pod.target): \(end.errors)")
          #expect(end.bytes.isEmpty, "\(pod.target)")
          for part in [said.what, said.why, said.fix].compactMap(\.self) {
            #expect(end.errors.contains(part), "\(pod.target): \(end.errors)")
            #expect(alone.output.contains(part), "\(pod.target): \(alone.output)")
          }
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
      let before = try Lab.processes()
      let pods = lab.pods.filter { !$0.isReal }.map(\.target) + ["shop/ghost"]
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
