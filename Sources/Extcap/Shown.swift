/// Which contexts Wireshark's list is made of, for one value of the environment's KUBECONFIG.
///
/// It is what spares poddump-extcap the reading of YAML.
package struct Shown: Equatable, Sendable {
  /// When it was written, in seconds since 1970.
  package var written: Int64
  /// The kubeconfig it was read from.
  package var kubeconfig: Kubeconfig
  /// The contexts that are listed; the first one's values have no tag. Empty if there is none.
  package var contexts: [String]
  /// All contexts that the kubeconfig knows, for the portal.
  package var known: [String]

  /// Whether the same contexts of the same kubeconfig are shown, whenever that was.
  func isAlike(_ other: Shown) -> Bool {
    contexts == other.contexts
      && kubeconfig.files.map(\.path) == other.kubeconfig.files.map(\.path)
  }

  /// Creates a record of what is shown.
  package init(written: Int64, kubeconfig: Kubeconfig, contexts: [String], known: [String] = []) {
    self.written = written
    self.kubeconfig = kubeconfig
    self.contexts = contexts
    self.known = known
  }
}
