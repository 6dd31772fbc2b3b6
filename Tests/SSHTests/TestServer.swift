import Foundation
import SSH
import Synchronization
import TestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A real sshd on the loopback, with a configuration of its own.
final class TestServer: Sendable {
  let port: Int
  private let sshd: Spawned
  private let folder: Scratch
  private let log: Collector

  struct NotStarted: Error, CustomStringConvertible { let description: String }

  /// Starts the server.
  ///
  /// - Parameters:
  ///   - options: Lines for sshd_config(5).
  ///   - hostKeys: The names of its host keys.
  /// - Throws: `NotStarted` with what sshd said.
  init(_ options: [String] = [], hostKeys: [String] = ["host-ed25519"]) throws {
    let keys = try TestKeys.shared.get()
    folder = try Scratch()
    port = try Loopback.freePort()
    // Where sshd gives up its privileges (sshd(8), FILES).
    mkdir("/run/sshd", 0o755)
    let lines =
      options
      + hostKeys.map { "HostKey \(keys.path($0))" } + [
        "ListenAddress 127.0.0.1:\(port)", "StrictModes no", "UsePAM no", "PidFile none",
        "PermitRootLogin yes", "AuthorizedKeysFile \(keys.path("authorized_keys"))",
        "LogLevel VERBOSE",
      ]
    let file = try folder.text("sshd_config", lines.joined(separator: "\n") + "\n")
    sshd = try Spawned([Programs.path("sshd"), "-D", "-e", "-f", file])
    log = Collector(sshd.errors)
    let end = Date().addingTimeInterval(10)
    while !log.text.contains("Server listening") {
      guard Date() < end else { throw NotStarted(description: log.text) }
      usleep(5000)
    }
  }

  /// What sshd said.
  var words: String { log.text }

  /// The processes that serve connections: sshd's children, and theirs.
  func sessions() -> [Int32] {
    var found = [sshd.pid]
    let all = ProcessTable.all()
    for _ in 0..<5 {
      found += all.filter { found.contains($0.parent) && !found.contains($0.pid) }.map(\.pid)
    }
    return found.filter { $0 != sshd.pid }
  }

  func endSessions(_ signal: Int32 = SIGKILL) { for pid in sessions() { kill(pid, signal) } }

  deinit {
    endSessions()
    kill(sshd.pid, SIGTERM)
    _ = sshd.wait(atMost: 5)
  }

  /// Settings that lead here, with these keys.
  func settings(_ keys: [String] = ["ed25519"]) throws -> SSHSettings {
    let made = try TestKeys.shared.get()
    var settings = SSHSettings(name: "node-1", hostName: "127.0.0.1", user: NSUserName())
    settings.port = port
    settings.identityFiles = keys.map(made.path)
    return settings
  }
}

/// Reads a stream to its end on a thread of its own.
final class Collector: Sendable {
  private let bytes = Mutex<[UInt8]>([])
  private let isOver = Mutex(false)

  init(_ source: FileHandle) {
    let descriptor = source.fileDescriptor
    DispatchQueue(label: "collector").async { [self] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { break }
        bytes.withLock { $0 += buffer[..<count] }
      }
      withExtendedLifetime(source) { isOver.withLock { $0 = true } }
    }
  }

  var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// Sockets on the loopback that are no SSH servers.
enum Loopback {
  struct NoSocket: Error {}

  /// A listening socket and its port.
  static func listen() throws -> (FileHandle, Int) {
    #if canImport(Glibc)
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
    let raw = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    let handle = FileHandle(fileDescriptor: raw, closeOnDealloc: true)
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(raw, pointer, length) == 0 && systemListen(raw) == 0
          && getsockname(raw, pointer, &length) == 0
      }
    }
    guard result else { throw NoSocket() }
    return (handle, Int(UInt16(bigEndian: address.sin_port)))
  }

  static func freePort() throws -> Int { try listen().1 }

  /// Accepts connections one after the other and serves them, until the returned handle goes.
  static func serve(_ work: @escaping @Sendable (Int32) -> Void) throws -> (FileHandle, Int) {
    let (handle, port) = try listen()
    let raw = handle.fileDescriptor
    DispatchQueue(label: "server").async {
      while true {
        var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 20_000) > 0 else { return }
        let connection = accept(raw, nil, nil)
        guard connection >= 0 else { return }
        work(connection)
        close(connection)
      }
    }
    return (handle, port)
  }
}

private func systemListen(_ descriptor: Int32) -> Int32 { listen(descriptor, 16) }
