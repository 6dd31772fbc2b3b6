package import Base
package import Cluster

/// Starts processes in a container by kubectl exec.
package struct KubectlTransport: Transport {
  private let kubectl: Kubectl
  private let namespace: String
  private let pod: String
  private let container: String

  /// Creates a transport into one container.
  package init(kubectl: Kubectl, namespace: String, pod: String, container: String) {
    self.kubectl = kubectl
    self.namespace = namespace
    self.pod = pod
    self.container = container
  }

  package func command(_ argv: [String]) throws(Failure) -> Command {
    try kubectl.execCommand(namespace: namespace, pod: pod, container: container, argv: argv)
  }

  package func withProcess<R: Sendable>(
    _ argv: [String], errors: @escaping @Sendable (R) -> String,
    _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
  ) async throws(Failure) -> (R, RemoteEnd) {
    let what = "The capture from \(namespace)/\(pod) (container \(container)) failed."
    // kubectl ends as soon as the far end has; the grace is for a connection that is dead.
    let (result, status) = try await withChild(command(argv), grace: .milliseconds(500)) {
      child throws(Failure) in
      try await body(
        RemoteStreams(input: child.input, output: child.output, errors: child.errors))
    }
    switch KubectlCause.execEnd(what, status: status, errors: errors(result)) {
    case .remoteExit(let code): return (result, .exited(code))
    case .failed(let failure): return (result, .failed(failure))
    }
  }
}
