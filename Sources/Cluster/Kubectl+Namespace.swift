package import Base

extension Kubectl {
  /// The namespace that is meant: the one named, else the context's own.
  ///
  /// - Throws: `Failure` when the kubeconfig cannot be read.
  package func namespace(_ named: String?) async throws(Failure) -> String {
    if let named { return named }
    return try await config().context(named: context).namespace
  }

  /// The Pod Security level that a namespace enforces.
  ///
  /// - Returns: nil when the namespace has no such label.
  /// - Throws: `Failure` when there is no answer, or no such namespace; `denied` when it may not be read.
  package func podSecurityLevel(
    namespace: String, within patience: Patience? = nil
  ) async throws(Failure) -> PodSecurityLevel? {
    let what = "Cannot read namespace \(printable(namespace, limit: 80))\(whereText)."
    try Target.check(namespace: namespace)
    let answer = try await raw(
      what, "get", APIPath("/api/v1/namespaces/\(namespace)"), within: patience)
    switch answer {
    case .accepted(let json):
      let labels: Result<[String: String], JSONError> = json.withUnsafeBytes { bytes in
        Result { () throws(JSONError) in try Self.labels(bytes) }
      }
      guard case .success(let found) = labels else {
        throw .unreadable(what, "The answer is no namespace.")
      }
      return found[PodSecurityLevel.label].flatMap(PodSecurityLevel.init)
    case .refused(let refusal): throw refusal.failure(what)
    }
  }

  private static func labels(_ json: UnsafeRawBufferPointer) throws(JSONError) -> [String: String] {
    var labels: [String: String] = [:]
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      guard case "metadata" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        if case "labels" = key { labels = try reader.strings() }
      }
    }
    try reader.end()
    return labels
  }
}
