package import Base
package import Cluster

/// Which cluster a change was made in, so that it is found again from another shell, on another day, with
/// another current context. Names and paths only; nothing secret.
package struct ClusterReference: Sendable, Equatable {
  /// The kubeconfig context; nil where there is none, as in a pod with a service account.
  package var context: String?
  /// The file that `--kubeconfig` named, absolute.
  package var kubeconfig: String?
  /// The value of KUBECONFIG, its paths absolute.
  package var variable: String?

  package init(context: String? = nil, kubeconfig: String? = nil, variable: String? = nil) {
    self.context = context
    self.kubeconfig = kubeconfig
    self.variable = variable
  }

  /// The cluster that a kubectl means. Where it takes the current context, kubectl is asked for its name:
  /// another may be current by the time that the change is undone.
  package init(_ kubectl: Kubectl) async {
    context = kubectl.context
    kubeconfig = kubectl.kubeconfig.map(absolutePath)
    let set = kubectl.environment["KUBECONFIG"] ?? environmentValue("KUBECONFIG")
    variable = set.map { list in
      list.split(separator: ":").map { absolutePath(String($0)) }.joined(separator: ":")
    }
    if context == nil {
      // Without a kubeconfig there is no name, and no other cluster that could be meant.
      let current = try? await kubectl.config().context()
      context = current.flatMap { kubectl.bound(to: $0).context }
    }
  }

  /// The kubectl that reaches the cluster.
  ///
  /// - Parameters:
  ///   - isInteractive: Whether a login program may talk to the user.
  ///   - patience: How long a call may take.
  /// - Returns: The kubectl, bound to the context.
  /// - Throws: `Failure` when there is no kubectl, or the kubeconfig does not have the context any more;
  ///   never of kind `notFound`, which from that kubectl then means that an object is gone.
  package func kubectl(
    isInteractive: Bool, patience: Patience = .standard
  ) async throws(Failure) -> Kubectl {
    var kubectl = try Kubectl.find(
      context: context, kubeconfig: kubeconfig, isInteractive: isInteractive)
    kubectl.patience = patience
    if let variable { kubectl.environment["KUBECONFIG"] = variable }
    do throws(Failure) {
      if context != nil { _ = try await kubectl.config().context(named: context) }
    } catch {
      let why = [error.what, error.why].compactMap(\.self).joined(separator: " ")
      throw Failure(
        .other, "Cannot reach the cluster\(text).", why: why, fix: error.fix, detail: error.detail)
    }
    return kubectl
  }

  /// " in context lab", or nothing.
  package var text: String {
    context.map { " in context \(printable($0, limit: 100))" } ?? ""
  }
}
