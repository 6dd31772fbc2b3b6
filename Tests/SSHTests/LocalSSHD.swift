import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

/// A real sshd on a port of 127.0.0.1, with keys of its own, that ends with the test.
final class LocalSSHD: Sendable {
  let folder: Scratch
  let port: Int
  private let process: Spawned

  /// The private key that may log in.
  var key: String { folder.path + "/id" }
  /// A file to be used as known_hosts.
  var knownHosts: String { folder.path + "/known_hosts" }
  /// The host's name in such files.
  var place: String { "[127.0.0.1]:\(port)" }

  struct CannotStart: Error { let log: String }

  /// Starts a server with an ed25519 host key.
  init() async throws {
    let folder = try Scratch()
    self.folder = folder
    for (name, type) in [
      ("host", "ed25519"), ("other", "ed25519"), ("ecdsa", "ecdsa"), ("id", "ed25519"),
    ] {
      let words = ["-q", "-t", type, "-N", "", "-C", "test", "-f", "\(folder.path)/\(name)"]
      let made = try await runProgram([try Programs.path("ssh-keygen")] + words)
      #expect(made.end == .exited(0), "\(made.errors)")
    }
    port = try Self.freePort()
    let configuration = try folder.text(
      "sshd_config",
      """
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey \(folder.path)/host
      AuthorizedKeysFile \(folder.path)/id.pub
      PermitRootLogin yes
      StrictModes no
      UsePAM no
      PidFile none
      MaxStartups 100
      """)
    let log = folder.path + "/log"
    let sshd = [try Programs.path("sshd"), "-D", "-E", log, "-f", configuration]
    // Root's sshd wants /run/sshd, which is only there where a server is installed as a service.
    let own = [
      try Programs.path("unshare"), "-m", "/bin/sh", "-c",
      "mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec \"$0\" \"$@\"",
    ]
    process = try Spawned(getuid() == 0 ? own + sshd : sshd)
    let listens = try await eventually {
      String(decoding: (try? contents(log)) ?? [], as: UTF8.self).contains("Server listening")
    }
    guard listens else {
      throw CannotStart(log: String(decoding: (try? contents(log)) ?? [], as: UTF8.self))
    }
  }

  deinit {
    // The server waits for its sessions; one that ended before them would leave them to nobody.
    let end = Date().addingTimeInterval(5)
    while Date() < end {
      let left = descendants
      guard !left.isEmpty else { break }
      for process in left { kill(process, SIGKILL) }
      usleep(10_000)
    }
    kill(process.pid, SIGTERM)
    _ = process.wait(atMost: 5)
  }

  /// A public key of the folder, type and base64.
  func row(_ name: String) throws -> String {
    let text = String(decoding: try contents("\(folder.path)/\(name).pub"), as: UTF8.self)
    return text.split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// Ends the sessions that are open, as a crash would.
  func killSessions() { for process in descendants { kill(process, SIGKILL) } }

  /// The processes of the sessions, those that left the server's group among them.
  var descendants: [Int32] {
    let all = ProcessTable.all()
    var found: [Int32] = []
    var parents: Set<Int32> = [process.pid]
    while !parents.isEmpty {
      let children = all.filter { parents.contains($0.parent) }.map(\.pid)
      found += children
      parents = Set(children)
    }
    return found
  }

  /// What logs in here with the right key, the host's key being on file.
  func options() throws -> SSHOptions {
    try folder.text("known_hosts", "\(place) \(row("host"))\n")
    var options = SSHOptions()
    options.port = port
    options.key = key
    options.knownHosts = knownHosts
    return options
  }

  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard code == 0 else { throw Failure.system("No port is free.", errno: errno) }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// Reads a stream to its end.
func readText(_ stream: OwnedFD) async throws(Failure) -> String {
  try await onOwnThread("test", stop: {}) { () throws(Failure) in
    let data = FileHandle(fileDescriptor: stream.raw, closeOnDealloc: false).readDataToEndOfFile()
    return String(decoding: data, as: UTF8.self)
  }
}
