package import Cluster

/// Asks the routes, in order of footprint, what they say to a request. Pure: facts in, decision out.
package func decide(_ request: CaptureRequest, facts: Facts, kubectl: Kubectl) -> Decision {
  let routes = request.route.map { [$0] } ?? RouteName.allCases
  return Decision(
    options: routes.map { route in
      switch route {
      case .exec:
        Decision.Option(
          route: .exec,
          verdict: ExecRoute.plan(
            request, facts: facts, transport: ExecRoute.transport(kubectl: kubectl, facts: facts)))
      }
    })
}

/// The transport of a plan's route.
package func transport(of plan: Plan, facts: Facts, kubectl: Kubectl) -> any Transport {
  switch plan.route {
  case .exec: ExecRoute.transport(kubectl: kubectl, facts: facts)
  }
}
