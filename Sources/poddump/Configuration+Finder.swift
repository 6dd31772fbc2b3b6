internal import Base
internal import Broker
internal import Cluster

extension Configuration {
  /// Who looks at targets, by these settings.
  ///
  /// - Parameters:
  ///   - kubectl: The cluster.
  ///   - isInteractive: Whether somebody is there to answer a question.
  ///   - allowed: Further routes that are allowed.
  ///   - binary: A tcpdump to bring along; nil for none.
  /// - Returns: A finder, which has done nothing yet.
  /// - Throws: `Failure` when the binary cannot be used.
  func finder(
    _ kubectl: Kubectl, isInteractive: Bool, allowed: [RouteName] = [], binary: String? = nil
  ) throws(Failure) -> FactFinder {
    var nodes = nodes
    nodes.isInteractive = isInteractive
    var tools = RouteTools(kubectl: kubectl)
    tools.settings = routes
    tools.settings.allowed.formUnion(allowed)
    tools.engines = Engines.find(in: InstalledFiles.tapFolders)
    if let binary { tools.engines.given = try EngineFile(path: binary, isTap: false) }
    // Where there is no home, nothing can be written down, and routes that change something say so.
    return FactFinder(tools: tools, nodes: nodes, journal: try? Journal.ofUser())
  }
}
