package import Base
package import Cluster

extension Kubectl {
  /// The names of the network interfaces that a container sees, by one look into it that changes nothing.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - name: The container; nil for the one that kubectl would choose.
  /// - Returns: Names as Linux has them, in the pod's order; what is none is left out.
  /// - Throws: `Failure` when the container cannot be looked into.
  package func interfaces(of pod: Pod, container name: String?) async throws(Failure) -> [String] {
    let container = try chooseContainer(of: pod, named: name)
    if let failure = whyNotRunning(container, of: pod) { throw failure }
    return try await withShell(in: container, of: pod) { facts, _ async throws(Failure) in
      Array(facts.interfaces.filter(isInterfaceName).prefix(100))
    }
  }
}
