internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The files that kubectl's configuration comes from. kubectl reads and merges them; poddump looks at
/// their dates only.
package enum KubeConfigFiles {
  /// The files in kubectl's order of precedence; they need not exist.
  ///
  /// - Parameters:
  ///   - kubeconfig: What `--kubeconfig` says.
  ///   - environment: Looks a variable up.
  /// - Returns: `--kubeconfig` alone, else the files of KUBECONFIG, else `~/.kube/config`.
  package static func paths(
    kubeconfig: String?, environment: (String) -> String? = environmentValue
  ) -> [String] {
    if let kubeconfig, !kubeconfig.isEmpty { return [kubeconfig] }
    if let list = environment("KUBECONFIG") {
      let paths = list.split(separator: ":").map(String.init)
      if !paths.isEmpty { return paths }
    }
    return environment("HOME").map { ["\($0)/.kube/config"] } ?? []
  }

  static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  /// The context of the pod that poddump runs in, where there is no kubeconfig: kubectl then uses the
  /// pod's service account. nil outside of a cluster.
  static func inClusterContext() -> KubeConfig.Context? {
    let directory = "/var/run/secrets/kubernetes.io/serviceaccount"
    guard environmentValue("KUBERNETES_SERVICE_HOST") != nil, exists("\(directory)/token") else {
      return nil
    }
    var context = KubeConfig.Context(name: "in-cluster")
    context.isInCluster = true
    if let name = firstLine("\(directory)/namespace"), ResourceName.isLabel(name) {
      context.namespace = name
    }
    return context
  }

  /// The first bytes of a small file, up to the end of its first line.
  private static func firstLine(_ path: String) -> String? {
    let descriptor = OwnedFD(open(path, O_RDONLY | O_CLOEXEC))
    guard descriptor.raw >= 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = read(descriptor.raw, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
