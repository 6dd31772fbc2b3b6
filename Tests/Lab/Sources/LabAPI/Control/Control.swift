internal import Foundation

/// The switches of a running server.
package struct Control: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  let cluster: Cluster
  let server: Server
  let faults: Faults
  let requests: RequestLog
  let authenticator: Authenticator
  /// Reads lab.json again.
  let reload: @Sendable () throws -> Void
  /// Lets a user in, and writes his kubeconfig: returns its path.
  let admit: @Sendable (User) throws -> String

  /// Carries out one line: `fault NAME [ARGUMENT]` or `requests [--clear]`.
  /// - Returns: what is to be printed; a text that begins with `error: ` for a line that makes no
  ///   sense.
  func carryOut(_ line: String) async -> String {
    let words = line.split(separator: " ").map(String.init)
    switch (words.first, words.dropFirst().first, words.dropFirst(2).first) {
    case ("requests", nil, _): return requests.text()
    case ("requests", "--clear", _):
      let text = requests.text()
      requests.clear()
      return text
    case ("fault", "slow", let argument?):
      guard let milliseconds = Int(argument), milliseconds >= 0 else { break }
      faults.delay = milliseconds
      return ""
    case ("fault", "black-hole", "on"), ("fault", "black-hole", "off"):
      faults.setBlackHole(words[2] == "on")
      return ""
    case ("fault", "refuse", nil):
      await server.refuse()
      return ""
    case ("fault", "reset", nil):
      faults.resetConnections()
      return ""
    case ("fault", "expired", nil):
      authenticator.setTokensExpired(true)
      return ""
    case ("fault", "extra-pods", let argument?):
      guard let count = Int(argument), (0...100_000).contains(count) else { break }
      cluster.setExtraPods(count)
      return ""
    case ("reload", nil, nil): return result { try reload() }
    case ("delete", let pod?, nil): return result { try delete(pod) }
    case ("user", let name?, let file?):
      do {
        let manifest = try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: file)))
        return try admit(.bound(name, rules: RoleManifest.rules(manifest))) + "\n"
      } catch {
        return "error: \(file): \(error)\n"
      }
    case ("drain", let node?, nil):
      return cluster.drain(node, true) ? "" : "error: no node \(node)\n"
    case ("undrain", let node?, nil):
      return cluster.drain(node, false) ? "" : "error: no node \(node)\n"
    case ("fault", "clear", nil):
      faults.delay = 0
      faults.setBlackHole(false)
      authenticator.setTokensExpired(false)
      cluster.setExtraPods(0)
      do {
        try await server.accept()
      } catch {
        return "error: cannot listen again: \(error)\n"
      }
      return ""
    default: break
    }
    return "error: no such request: \(line)\n"
  }

  private func result(_ act: () throws -> Void) -> String {
    do {
      try act()
      return ""
    } catch {
      return "error: \(error)\n"
    }
  }

  /// Deletes a pod, NAMESPACE/NAME, and waits until it has gone.
  private func delete(_ pod: String) throws {
    let parts = pod.split(separator: "/").map(String.init)
    let key = ObjectKey(namespace: parts.first, name: parts.last ?? "")
    guard parts.count == 2, cluster.deletePod(key, grace: nil) != nil else {
      throw Failure(description: "no pod \(pod)")
    }
    while cluster.store.object(.pods, key) != nil { Thread.sleep(forTimeInterval: 0.02) }
  }
}
