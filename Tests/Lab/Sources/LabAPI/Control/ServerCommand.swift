internal import Foundation
internal import NIOSSL
internal import Synchronization

/// The server as a whole, from `lab.json` to the last file in the state directory.
struct ServerCommand {
  private let state: String
  private let listen: [(host: String, port: Int)]

  init(_ options: LabAPICommand.Options) {
    (state, listen) = (options.state, options.listen)
  }

  /// Serves until SIGTERM or SIGINT.
  func run() async throws {
    removeFiles()
    let cluster = Cluster()
    cluster.load(try LabFile(stateDirectory: state))
    let authenticator = Authenticator()
    let files = try TLSFiles(
      directory: state + "/api-tls", addresses: listen.map(\.host), user: .admin)
    var credentials: [(context: String, credentials: JSON)] = []
    for (context, user) in [
      ("lab", User.admin), ("lab-viewer", .viewer), ("lab-nobody", .nobody),
    ] {
      let token = Self.makeToken()
      authenticator.add(token: token, user: user)
      credentials.append((context, ["token": .string(token)]))
    }
    credentials.append(("lab-expired", ["token": .string(Self.makeToken())]))
    for certificate in try NIOSSLCertificate.fromPEMFile(files.clientCertificate) {
      authenticator.add(certificate: try certificate.toDERBytes(), user: .admin)
    }
    credentials.append(
      (
        "lab-cert",
        [
          "client-certificate-data": .string(try base64(files.clientCertificate)),
          "client-key-data": .string(try base64(files.clientKey)),
        ]
      ))

    var api = API(cluster: cluster, authenticator: authenticator)
    api.serverAddress = "\(listen[0].host):\(listen[0].port)"
    let faults = Faults()
    let requests = RequestLog()
    let server = try Server(api: api, faults: faults, requests: requests, files: files)
    var ports: [Int] = []
    for address in listen {
      ports.append(try await server.listen(host: address.host, port: address.port))
    }
    let authority = Array(try Data(contentsOf: URL(fileURLWithPath: files.authority)))
    let address = "https://\(listen[0].host):\(ports[0])"
    let state = state
    let control = Control(
      cluster: cluster, server: server, faults: faults, requests: requests,
      authenticator: authenticator,
      reload: { cluster.load(try LabFile(stateDirectory: state)) },
      admit: { user in
        let token = Self.makeToken()
        authenticator.add(token: token, user: user)
        let config = Kubeconfig(
          server: address, authority: authority,
          users: [(context: user.name, credentials: ["token": .string(token)])],
          current: user.name)
        let directory = state + "/users"
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true)
        let path = "\(directory)/\(user.name).kubeconfig"
        try writeAtomically(config.text, to: path)
        return path
      })
    try ControlServer.start(control, state: state)

    let kubeconfig = Kubeconfig(server: address, authority: authority, users: credentials)
    try writeAtomically("\(getpid())\n", to: state + "/api.pid")
    try writeAtomically("\(ports[0])\n", to: state + "/api.port")
    try writeAtomically(kubeconfig.text, to: state + "/kubeconfig")

    await untilTerminated {
      do {
        cluster.load(try LabFile(stateDirectory: state))
      } catch {
        Log.write("lab.json stays as it was: \(error)")
      }
    }
    removeFiles()
  }

  /// Removes what this run, or one that crashed, has put into the state directory.
  private func removeFiles() {
    for name in ["kubeconfig", "api.pid", "api.port", "control.sock", "api-tls", "users"] {
      try? FileManager.default.removeItem(atPath: "\(state)/\(name)")
    }
  }

  private func base64(_ path: String) throws -> String {
    try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString()
  }

  private static func makeToken() -> String {
    (0..<4).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 36) }.joined()
  }

  /// Returns after SIGTERM or SIGINT; calls `reload` on SIGHUP.
  private func untilTerminated(reload: @escaping @Sendable () -> Void) async {
    let queue = DispatchQueue(label: "lab-api.signals")
    let signals = [SIGHUP, SIGINT, SIGTERM]
    for number in signals { signal(number, SIG_IGN) }
    let sources = signals.map { DispatchSource.makeSignalSource(signal: $0, queue: queue) }
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      let pending = Mutex<CheckedContinuation<Void, Never>?>(done)
      let finish: @Sendable () -> Void = {
        let waiting = pending.withLock { waiting in
          defer { waiting = nil }
          return waiting
        }
        waiting?.resume()
      }
      sources[0].setEventHandler(handler: DispatchWorkItem(block: reload))
      for source in sources.dropFirst() {
        source.setEventHandler(handler: DispatchWorkItem(block: finish))
      }
      for source in sources { source.resume() }
    }
    for source in sources { source.cancel() }
  }
}
