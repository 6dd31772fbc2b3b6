internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A key that an agent holds.
struct AgentKey: Equatable {
  let blob: [UInt8]
  /// The agent's words for it, safe to show.
  let comment: String

  var type: String { PublicBlob.type(blob) ?? "" }
}

/// A client of an SSH agent (draft-miller-ssh-agent). libssh2's own waits for ever for an agent that
/// hangs, and 1.10's cannot ask for RSA signatures with SHA-2.
struct Agent {
  /// Why an agent is of no use, the end of a sentence that begins with "the agent".
  struct Unusable: Error, Equatable {
    let why: String
  }

  /// How long an agent may take to list its keys. Signing may take as long as there is time: a person
  /// may have to confirm it.
  static let patience = Duration.seconds(2)
  /// What an agent may answer at most (OpenSSH's AGENT_MAX_LEN).
  private static let answerLimit = 256 << 10

  private let socket: OwnedFD

  /// Connects to an agent's socket.
  init(_ path: String, deadline: Deadline) throws(Unusable) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { throw Unusable(why: "has a socket whose path is too long") }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let raw = systemSocket(AF_UNIX, streamSocket)
    guard raw >= 0 else { throw Unusable(why: "cannot be asked: \(errorText(errno))") }
    socket = OwnedFD(raw)
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    _ = fcntl(raw, F_SETFL, O_NONBLOCK)
    preventSignals(raw)
    while true {
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          systemConnect(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if result == 0 || errno == EISCONN { return }
      switch errno {
      case ENOENT, ECONNREFUSED: throw Unusable(why: "is not running")
      case EINTR: continue
      case EAGAIN, EINPROGRESS:
        // Its queue is full: it accepts nobody. There is nothing to poll for.
        guard deadline.wait(for: -1, 0, atMost: .milliseconds(50)) == .timedOut,
          deadline.left > .zero
        else { throw Unusable(why: "does not answer") }
      default: throw Unusable(why: "cannot be asked: \(errorText(errno))")
      }
    }
  }

  /// The keys that the agent holds (SSH_AGENTC_REQUEST_IDENTITIES).
  func keys(deadline: Deadline) throws(Unusable) -> [AgentKey] {
    let answer = try ask([11], deadline: deadline)
    guard let keys = Self.parseKeys(answer) else { throw Unusable(why: "answers nonsense") }
    return keys
  }

  /// Reads SSH_AGENT_IDENTITIES_ANSWER; nil when it is something else.
  static func parseKeys(_ answer: [UInt8]) -> [AgentKey]? {
    var reader = WireReader(answer)
    guard reader.byte() == 12, let count = reader.uint32(), count <= 4096 else { return nil }
    var keys: [AgentKey] = []
    for _ in 0..<count {
      guard let blob = reader.string(), let comment = reader.text() else { return nil }
      guard PublicBlob.type(blob) != nil else { continue }
      keys.append(AgentKey(blob: Array(blob), comment: printable(comment, limit: 80)))
    }
    return keys
  }

  /// Has the agent sign (SSH_AGENTC_SIGN_REQUEST).
  ///
  /// - Parameters:
  ///   - data: What is signed.
  ///   - blob: The public key.
  ///   - algorithm: The signature's algorithm; for RSA it chooses the hash.
  ///   - deadline: Until when.
  /// - Returns: The bare signature, without its algorithm's name.
  /// - Throws: `Unusable` when the agent refuses, or signs by another algorithm.
  func sign(
    _ data: [UInt8], with blob: [UInt8], algorithm: String, deadline: Deadline
  ) throws(Unusable) -> [UInt8] {
    var request = WireWriter()
    request.byte(13)
    request.string(blob)
    request.string(data)
    // SSH_AGENT_RSA_SHA2_256 and SSH_AGENT_RSA_SHA2_512.
    request.uint32(algorithm == "rsa-sha2-256" ? 2 : algorithm == "rsa-sha2-512" ? 4 : 0)
    let answer = try ask(request.bytes, deadline: deadline)
    var reader = WireReader(answer)
    guard reader.byte() == 14, let signature = reader.string() else {
      throw Unusable(why: "refused to sign")
    }
    var parts = WireReader(signature)
    guard parts.text() == algorithm, let bare = parts.string() else {
      throw Unusable(why: "signed with another algorithm than \(algorithm)")
    }
    return Array(bare)
  }

  /// Sends one request and returns the answer, both without their lengths.
  private func ask(_ request: [UInt8], deadline: Deadline) throws(Unusable) -> [UInt8] {
    var message = WireWriter()
    message.string(request)
    var sent = 0
    while sent < message.bytes.count {
      try ready(POLLOUT, deadline)
      let count = message.bytes.withUnsafeBytes { bytes in
        let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
        return send(socket.raw, rest.baseAddress, rest.count, noSignal)
      }
      if count > 0 { sent += count } else { try checkError() }
    }
    var header = WireReader(try receive(4, deadline))
    guard let length = header.uint32(), length > 0, Int(length) <= Self.answerLimit else {
      throw Unusable(why: "answers nonsense")
    }
    return try receive(Int(length), deadline)
  }

  private func receive(_ count: Int, _ deadline: Deadline) throws(Unusable) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      try ready(POLLIN, deadline)
      let received = bytes.withUnsafeMutableBytes { memory in
        recv(socket.raw, memory.baseAddress?.advanced(by: filled), count - filled, noSignal)
      }
      if received == 0 { throw Unusable(why: "hung up") }
      if received > 0 { filled += received } else { try checkError() }
    }
    return bytes
  }

  private func ready(_ events: Int32, _ deadline: Deadline) throws(Unusable) {
    guard deadline.wait(for: socket.raw, events) == .ready else {
      throw Unusable(why: "does not answer")
    }
  }

  private func checkError() throws(Unusable) {
    guard errno == EAGAIN || errno == EINTR else {
      throw Unusable(why: "hung up (\(errorText(errno)))")
    }
  }
}

private func systemSocket(_ family: Int32, _ type: Int32) -> Int32 { socket(family, type, 0) }

private func systemConnect(
  _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 {
  connect(descriptor, address, length)
}
