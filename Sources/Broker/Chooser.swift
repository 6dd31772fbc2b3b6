internal import Base

/// Asks a route what it says to a request. Pure: facts in, verdict out.
///
/// - Parameters:
///   - route: The route.
///   - request: What is asked for.
///   - facts: What was found out.
///   - tools: What there is to work with.
/// - Returns: How it would be done, or why not.
package func judge(
  _ route: RouteName, _ request: CaptureRequest, facts: Facts, tools: RouteTools
) -> Verdict {
  do throws(Failure) {
    return .usable(try route.route.plan(request, facts: facts, tools: tools))
  } catch {
    return .refused(error)
  }
}

/// Asks routes, in the order given, what they say to a request.
///
/// - Returns: What each of them says.
package func decide(
  _ request: CaptureRequest, facts: Facts, routes: [RouteName], tools: RouteTools
) -> Decision {
  Decision(
    options: routes.map {
      Decision.Option(route: $0, verdict: judge($0, request, facts: facts, tools: tools))
    })
}
