internal import Foundation

/// A throw-away certificate authority with a server's and a client's certificate, made anew by each
/// run with the `openssl` command, and good for two days.
package struct TLSFiles: Sendable {
  package let directory: String

  package var authority: String { directory + "/ca.crt" }
  package var serverCertificate: String { directory + "/server.crt" }
  package var serverKey: String { directory + "/server.key" }
  package var clientCertificate: String { directory + "/client.crt" }
  package var clientKey: String { directory + "/client.key" }

  /// Why certificates could not be made, in openssl's words.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// Makes the certificates.
  /// - Parameters:
  ///   - directory: where to; is created for its owner alone.
  ///   - addresses: what the server is called besides localhost, 127.0.0.1 and 198.51.100.1.
  ///   - user: the client certificate's subject.
  /// - Throws: ``Failure``, or why `openssl` could not be run.
  package init(directory: String, addresses: [String], user: User) throws {
    self.directory = directory
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let names =
      ["DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc"]
      + Set(["127.0.0.1", "198.51.100.1"] + addresses).sorted().map { "IP:\($0)" }
    try Self.openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
      directory + "/ca.key", "-out", authority, "-days", "2", "-subj", "/CN=lab-ca",
    ])
    try issue(
      "server", subject: "/CN=kube-apiserver",
      extensions: "subjectAltName=\(names.joined(separator: ","))\nextendedKeyUsage=serverAuth\n")
    let groups = user.groups.filter { $0 != "system:authenticated" }.map { "/O=\($0)" }.joined()
    try issue(
      "client", subject: "\(groups)/CN=\(user.name)", extensions: "extendedKeyUsage=clientAuth\n")
  }

  private func issue(_ name: String, subject: String, extensions: String) throws {
    let path = directory + "/" + name
    try Self.openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
      path + ".key", "-out", path + ".csr", "-subj", subject,
    ])
    try Data(extensions.utf8).write(to: URL(fileURLWithPath: path + ".ext"))
    try Self.openssl([
      "x509", "-req", "-in", path + ".csr", "-CA", authority, "-CAkey", directory + "/ca.key",
      "-CAcreateserial", "-out", path + ".crt", "-days", "2", "-extfile", path + ".ext",
    ])
  }

  private static func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let messages = Pipe()
    process.standardError = messages
    try process.run()
    let text = messages.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "openssl: " + String(decoding: text, as: UTF8.self))
    }
  }
}
