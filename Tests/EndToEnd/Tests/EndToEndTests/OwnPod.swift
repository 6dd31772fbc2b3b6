import Foundation
import Testing

/// A pod that a test has made for itself, to do with it what it likes.
struct OwnPod {
  let namespace: String
  let name: String

  var target: String { "\(namespace)/\(name)" }

  /// Runs a script in it by bash; what it printed.
  @discardableResult
  func bash(_ script: String, input: String = "") throws -> String {
    let run = try Cluster.kubectl(
      ["exec", "-i", "-n", namespace, name, "--", "/bin/bash", "-c", script], input: input)
    try #require(run.status == 0, "\(run.errors)")
    return run.output
  }

  /// Puts a program in the place of another.
  func replace(_ path: String, _ text: String) throws {
    try bash(
      "cat >\(path).new && chmod 755 \(path).new && mv -f \(path).new \(path)", input: text)
  }
}

extension HostileGround {
  /// A pod of the test's own, which goes with it. It has a network, with `lo` and no other interface.
  func withPod<R>(
    _ name: String, in namespace: String = "odd", image: String, command: [String],
    _ body: (OwnPod) throws -> R
  ) throws -> R {
    let pod: [String: Any] = [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": name, "namespace": namespace],
      "spec": [
        "nodeName": "n1", "terminationGracePeriodSeconds": 1,
        "containers": [["name": name, "image": image, "command": command]],
      ] as [String: Any],
    ]
    let manifest = try JSONSerialization.data(withJSONObject: pod)
    let made = try Cluster.kubectl(
      ["create", "-f", "-"], input: String(decoding: manifest, as: UTF8.self))
    try #require(made.status == 0, "\(made.errors)")
    defer {
      _ = try? Cluster.kubectl(["delete", "pod", name, "-n", namespace, "--timeout=20s"])
    }
    let ready = try Cluster.kubectl([
      "wait", "--for=jsonpath={.status.phase}=Running", "pod/\(name)", "-n", namespace,
      "--timeout=20s",
    ])
    try #require(ready.status == 0, "\(ready.errors)")
    return try body(OwnPod(namespace: namespace, name: name))
  }
}
