import Base
import Testing

@testable import Broker

/// The choice among verdicts, and what is said when there is none.
@Suite struct ChooserTests {
  private static func refused(
    _ route: RouteName, _ why: String?, _ kind: Failure.Kind = .noRoute, fix: String? = nil,
    detail: String? = nil
  ) -> Decision.Option {
    .init(
      route: route,
      verdict: .refused(
        Failure(kind, "Cannot capture by \(route).", why: why, fix: fix, detail: detail)))
  }

  private static func usable(_ route: RouteName) -> Decision.Option {
    var plan = Plan.script("true")
    plan.route = route
    return .init(route: route, verdict: .usable(plan))
  }

  @Test func theFirstThatIsUsable() throws {
    let decision = Decision(options: [
      Self.refused(.exec, "No."), Self.usable(.upload), Self.usable(.ssh),
    ])
    #expect(try decision.chosen().route == .upload)
  }

  @Test func oneReasonIsSaidAsItIs() {
    let option = Self.refused(.exec, "No tcpdump.", .denied, fix: "Get it.", detail: "exit 1")
    guard case .refused(let failure) = option.verdict else { return }
    #expect(Decision(options: [option]).refusal == failure)
    // The same reason by two routes is one, in the words of the first.
    let again = Self.refused(.upload, "No tcpdump.", fix: "Other.")
    #expect(Decision(options: [option, again]).refusal == failure)
  }

  @Test func severalReasonsAreSaidInTheirOrder() {
    let refusal = Decision(options: [
      Self.refused(.exec, "No tcpdump."), Self.refused(.ssh, "No login."),
      Self.refused(.upload, "No tcpdump."), Self.refused(.debug, nil, detail: "far end"),
    ]).refusal
    #expect(refusal.what == "No route works for this target.")
    #expect(
      refusal.why
        == "By exec: No tcpdump. By ssh: No login. By debug: Cannot capture by debug.")
    #expect(refusal.fix == "What would help, route by route: poddump plan.")
    #expect(refusal.detail == "far end" && refusal.kind == .noRoute)
  }

  @Test(
    arguments: [
      ([.denied, .denied], .denied), ([.denied, .noRoute], .noRoute),
      ([.unreachable, .unreachable, .unreachable], .unreachable),
      ([.notFound, .denied], .noRoute),
    ] as [([Failure.Kind], Failure.Kind)])
  func theKindIsTheirs(_ kinds: [Failure.Kind], _ kind: Failure.Kind) {
    let options = kinds.enumerated().map { Self.refused(.exec, "Reason \($0).", $1) }
    #expect(Decision(options: options).refusal.kind == kind)
  }

  @Test func whereNothingWasConsidered() {
    let failure = #expect(throws: Failure.self) { try Decision(options: []).chosen() }
    #expect(failure?.kind == .noRoute && failure?.what == "No route was considered.")
  }

  @Test func everyRouteIsAskedInTheOrderGiven() {
    let ground = RouteGround()
    let order: [RouteName] = [.node, .debug, .upload, .exec]
    let decision = decide(
      ground.request, facts: ground.facts, routes: order, tools: ground.tools)
    #expect(decision.options.map(\.route) == order)
    #expect(decision.options.map(\.isUsable) == [false, true, true, false])
  }
}
