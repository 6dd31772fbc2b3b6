package import Base

extension Kubectl {
  /// The version of this kubectl, "v1.36.2".
  ///
  /// - Throws: `Failure` when the program does not answer as kubectl does.
  package func clientVersion(
    within patience: Patience? = nil
  ) async throws(Failure) -> String {
    let what = "Cannot find out kubectl's version."
    let bytes = try await output(
      what, ["version", "--client", "-o", "json"], within: patience, limit: 64 << 10)
    return try Self.version(what, bytes, in: "clientVersion")
  }

  /// The version of the API server, which shows as well that it can be reached and that kubectl can log
  /// in.
  package func serverVersion(
    within patience: Patience? = nil
  ) async throws(Failure) -> String {
    let what = "Cannot reach the cluster\(whereText)."
    let bytes = try await get(
      what, raw: APIPath("/version"), within: patience,
      into: CollectedOutput(what: what, limit: 64 << 10)
    ).bytes
    return try Self.version(what, bytes, in: nil)
  }

  private static func version(
    _ what: String, _ bytes: [UInt8], in member: String?
  ) throws(Failure) -> String {
    let found: String? = bytes.withUnsafeBytes { json in
      var result: String?
      var reader = JSONReader(json)
      // What cannot be read is no version.
      _ = try? reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "gitVersion" where member == nil: result = try reader.string()
        case "clientVersion" where member == "clientVersion":
          try reader.object { (key, reader) throws(JSONError) in
            if case "gitVersion" = key { result = try reader.string() }
          }
        default: break
        }
      }
      return result
    }
    guard let found else { throw .unreadable(what, "The answer names no version.") }
    return printable(found, limit: 60)
  }
}
