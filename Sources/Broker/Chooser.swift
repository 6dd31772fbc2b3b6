package import Cluster

/// Asks routes, in the order given, what they say to a request. Pure: facts in, decision out.
///
/// - Parameters:
///   - request: What is asked for.
///   - facts: What was found out.
///   - routes: The routes whose facts were gathered, in the order in which they are preferred.
///   - kubectl: The cluster.
/// - Returns: What each of them says.
package func decide(
  _ request: CaptureRequest, facts: Facts, routes: [RouteName], kubectl: Kubectl
) -> Decision {
  Decision(
    options: routes.map { route in
      let verdict =
        switch route {
        case .exec: ExecRoute.plan(request, facts: facts, kubectl: kubectl)
        case .ssh: SSHRoute.plan(request, facts: facts)
        }
      return Decision.Option(route: route, verdict: verdict)
    })
}
