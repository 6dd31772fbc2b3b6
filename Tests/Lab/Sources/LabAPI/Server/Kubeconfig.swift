internal import Foundation

/// The file by which kubectl finds the server: one cluster, and a context per user.
package struct Kubeconfig {
  package var server: String
  package var authority: [UInt8]
  /// By the name of the context.
  package var users: [(context: String, credentials: JSON)]
  package var current: String

  package init(
    server: String, authority: [UInt8], users: [(context: String, credentials: JSON)],
    current: String = "lab"
  ) {
    (self.server, self.authority, self.users) = (server, authority, users)
    self.current = current
  }

  /// The file's text. JSON is YAML, too.
  package var text: String {
    let config: JSON = [
      "apiVersion": "v1", "kind": "Config", "current-context": .string(current), "preferences": [:],
      "clusters": [
        [
          "name": "lab",
          "cluster": [
            "server": .string(server),
            "certificate-authority-data": .string(Data(authority).base64EncodedString()),
          ],
        ]
      ],
      "users": .array(users.map { ["name": .string($0.context), "user": $0.credentials] }),
      "contexts": .array(
        users.map { user in
          [
            "name": .string(user.context),
            "context": ["cluster": "lab", "user": .string(user.context), "namespace": "shop"],
          ]
        }),
    ]
    let object = try? JSONSerialization.jsonObject(with: Data(config.bytes))
    let pretty = object.flatMap {
      try? JSONSerialization.data(
        withJSONObject: $0, options: [.prettyPrinted, .withoutEscapingSlashes])
    }
    return String(decoding: pretty ?? Data(config.bytes), as: UTF8.self) + "\n"
  }
}

/// Writes a file for its owner alone, whole and at once: whoever sees it sees all of it.
package func writeAtomically(_ text: String, to path: String) throws {
  let temporary = path + ".new"
  guard
    FileManager.default.createFile(
      atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
  else { throw CocoaError(.fileWriteUnknown) }
  guard rename(temporary, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
}
