package import Base

/// What kubectl's configuration says, without secrets: which contexts there are, and which one counts.
package struct KubeConfig: Sendable, Equatable {
  /// A named combination of cluster and namespace; its user is left to kubectl.
  package struct Context: Sendable, Equatable {
    package var name: String
    package var cluster = ""
    /// The namespace that counts when none is named; "default" where the context has none.
    package var namespace = "default"
    /// Whether it stands for the pod that poddump itself runs in, and is in no kubeconfig.
    package var isInCluster = false

    package init(name: String) {
      self.name = name
    }
  }

  /// nil when the kubeconfig does not set one.
  package var currentContext: String?
  package var contexts: [Context] = []
  /// The API servers' addresses by the name of the cluster.
  package var servers: [String: String] = [:]

  package init() {}

  /// Reads the output of `kubectl config view -o json`.
  ///
  /// - Throws: `JSONError` when it is no JSON object.
  package init(json: UnsafeRawBufferPointer) throws(JSONError) {
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "current-context":
        let name = try reader.string()
        currentContext = name == "" ? nil : name
      case "contexts": try readContexts(&reader)
      case "clusters": try readClusters(&reader)
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
  }

  /// The context of a name, or the current one.
  ///
  /// - Parameter name: What `--context` says; nil means the current context.
  /// - Returns: The context, with the namespace that counts.
  /// - Throws: `Failure`: `notFound` for a name that the kubeconfig does not have, `other` when there is
  ///   no context to choose.
  package func context(named name: String? = nil) throws(Failure) -> Context {
    let what = "There is no cluster to talk to."
    guard let wanted = name ?? currentContext else {
      guard contexts.isEmpty else {
        throw Failure(
          .other, what, why: "The kubeconfig has no current context.",
          fix: "Name one with --context, or choose one: kubectl config use-context NAME. \(known)")
      }
      throw Failure(
        .other, what, why: "No kubeconfig with a context was found.",
        fix: "Put one into ~/.kube/config, or name it with KUBECONFIG or --kubeconfig.")
    }
    guard let found = contexts.first(where: { $0.name == wanted }) else {
      throw Failure(
        .notFound, "There is no context \"\(printable(wanted, limit: 100))\".",
        why: name == nil
          ? "The kubeconfig names it as the current one and does not describe it."
          : "The kubeconfig does not have it.",
        fix: contexts.isEmpty ? "Check KUBECONFIG and --kubeconfig." : known)
    }
    return found
  }

  /// The contexts' names in one sentence.
  private var known: String {
    let names = contexts.prefix(10).map { printable($0.name, limit: 100) }
    let more = contexts.count > names.count ? ", …" : ""
    return "The kubeconfig has: \(names.joined(separator: ", "))\(more)."
  }

  private mutating func readContexts(_ reader: inout JSONReader) throws(JSONError) {
    var found: [Context] = []
    try reader.array { (reader) throws(JSONError) in
      var context = Context(name: "")
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": context.name = try reader.string() ?? ""
        case "context":
          try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "cluster": context.cluster = try reader.string() ?? ""
            case "namespace":
              let name = try reader.string() ?? ""
              context.namespace = name.isEmpty ? "default" : name
            default: break
            }
          }
        default: break
        }
      }
      if !context.name.isEmpty { found.append(context) }
    }
    contexts = found
  }

  private mutating func readClusters(_ reader: inout JSONReader) throws(JSONError) {
    try reader.array { (reader) throws(JSONError) in
      var name: String?
      var server: String?
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": name = try reader.string()
        case "cluster":
          try reader.object { (key, reader) throws(JSONError) in
            if case "server" = key { server = try reader.string() }
          }
        default: break
        }
      }
      if let name, let server { servers[name] = server }
    }
  }
}

extension Kubectl {
  /// Reads the configuration, with one call of kubectl and none of the API. Secrets are left out by
  /// kubectl itself.
  ///
  /// - Throws: `Failure` when a file cannot be read as a kubeconfig, or one named by `--kubeconfig` does
  ///   not exist (kubectl shows an empty configuration then).
  package func config(
    within patience: Patience? = nil
  ) async throws(Failure) -> KubeConfig {
    let what = "Cannot read the kubeconfig."
    var plain = self
    plain.context = nil  // a context that does not exist is told from what was read
    let bytes = try await plain.output(what, ["config", "view", "-o", "json"], within: patience)
    let result: Result<KubeConfig, JSONError> = bytes.withUnsafeBytes { json in
      Result { () throws(JSONError) in try KubeConfig(json: json) }
    }
    var config: KubeConfig
    switch result {
    case .success(let value): config = value
    case .failure(let error):
      throw Failure(
        .other, what, why: "kubectl's answer cannot be read. \(error.sentence)",
        fix: "Check that \(printable(executable)) is kubectl.")
    }
    if config.contexts.isEmpty {
      if let kubeconfig, !KubeConfigFiles.exists(kubeconfig) {
        throw Failure(
          .other, what, why: "The file \(printable(kubeconfig)) does not exist.",
          fix: "Check --kubeconfig.")
      }
      if kubeconfig == nil, let inside = KubeConfigFiles.inClusterContext() {
        config.contexts = [inside]
        config.currentContext = inside.name
      }
    }
    return config
  }

  /// This kubectl bound to a context, so that a change of the current context while poddump runs does
  /// not change the cluster.
  package func bound(to context: KubeConfig.Context) -> Kubectl {
    var result = self
    result.context = context.isInCluster ? nil : context.name
    return result
  }
}
