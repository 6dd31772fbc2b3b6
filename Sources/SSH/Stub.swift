package import Base
package enum OpenSSH {
  package static func find() -> String? { "/usr/bin/ssh" }
  package static func arguments(_ s: SSHSettings, options: SSHOptions, command: String) -> [String]
  {
    var w = ["-T", "-o", "BatchMode=yes"]
    if let k = options.key { w += ["-i", k] }
    if let k = options.knownHosts { w += ["-o", "UserKnownHostsFile=\(k)"] }
    return w + ["--", "\(options.user.map { $0 + "@" } ?? "")\(s.name)", command]
  }
}
extension SSHSettings {
  package static func hasOwnSettings(name: String, ssh: String) async -> Bool { false }
  package static func effective(name: String, options: SSHOptions, ssh: String?)
    async throws(Failure) -> SSHSettings
  {
    SSHSettings(name: name, hostName: name, user: options.user ?? "root")
  }
}
package func withSSHProcess<R: Sendable>(
  _ settings: SSHSettings, options: SSHOptions, command: String, isInteractive: Bool,
  _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
) async throws(Failure) -> R {
  try await withChild(
    Command("/usr/bin/ssh", OpenSSH.arguments(settings, options: options, command: command))
  ) { child throws(Failure) in
    try await body(
      SSHProcess(
        streams: RemoteStreams(input: child.input, output: child.output, errors: child.errors),
        engine: .openssh, note: "a stub",
        finish: { _ in
          child.input.close(); return .exited(0)
        }))
  }.0
}
