internal import Base
internal import CSSH2

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What libssh2's callbacks work on: the socket, what is still to be sent, and what was heard.
///
/// libssh2 sends and receives through this for three reasons. A packet that it could send only in part must
/// be finished by the very same call, or the connection breaks (libssh2_channel_write_ex(3)): so
/// nothing is ever sent in part, the rest waits here. Some of its loops end only when nothing more
/// arrives, which a hostile server can prevent: so a call gets a bounded helping. And its memory grows
/// with whatever a server sends unasked: so that is bounded too.
final class SocketTransport {
  /// The most bytes that one round of calls may receive.
  private static let helping = 256 << 10
  /// The most bytes that wait to be sent: a server that reads nothing must not fill our memory.
  private static let outgoingLimit = 1 << 20
  /// The most memory libssh2 may have in bytes: the window of 2 MiB with its overhead, many times.
  private static let memoryLimit = 24 << 20

  let socket: OwnedFD
  /// What still waits to be sent.
  private(set) var outgoing: [UInt8] = []
  /// When something was received last.
  private(set) var lastHeard = ContinuousClock.now
  /// What the server greeted with.
  private(set) var greeting = ServerGreeting()
  /// The bytes after the greeting until the login begins, bounded; nil afterwards.
  private(set) var early: [UInt8]? = []
  /// What the server said when it disconnected: its reason (RFC 4253, 11.1), and its words.
  private(set) var disconnect: (reason: Int32, words: String)?
  /// The error of the socket, when it broke.
  private(set) var brokenBy: Int32?
  /// Whether the server closed the connection.
  private(set) var isEnded = false
  /// Whether the far end began with something that is no SSH greeting.
  var isNotSSH: Bool { greeting.state == .notSSH }
  /// Whether libssh2 wanted more memory than it may have.
  private(set) var isOverfed = false
  /// Whether poll(2) said there is something to receive, and not all was.
  private var isReadable = false
  private var allowance = 0
  private var isClosed = false
  private var allocated = 0

  /// Signs what libssh2 asks to have signed (RFC 4252, 7), and returns the bare signature.
  var signer: ((UnsafeRawBufferPointer) -> [UInt8]?)?
  /// Answers a keyboard-interactive server's questions; nil gives up.
  var answerer: ((KeyboardQuestions) -> [[UInt8]]?)?
  /// How long a person took to answer, which is no time of the server's.
  var pause = Duration.zero

  init(_ socket: OwnedFD) { self.socket = socket }

  /// Whether bytes may still be waiting that were not received because the helping was used up.
  var mayReceiveMore: Bool { isReadable && allowance <= 0 }

  /// Begins a round of calls.
  func refill() { allowance = Self.helping }

  /// Notes that poll(2) has something to receive.
  func noteReadable() { isReadable = true }

  /// The login begins: what came before is not needed any more.
  func forgetEarly() { early = nil }

  /// From now on libssh2 finds the connection closed, so that freeing it waits for nothing.
  func close() { isClosed = true }

  /// Sends what waits, as much as goes.
  func flush() {
    guard !outgoing.isEmpty, brokenBy == nil else { return }
    let sent = outgoing.withUnsafeBytes { sendNow($0) }
    if sent > 0 { outgoing.removeFirst(sent) }
  }

  private func sendNow(_ bytes: UnsafeRawBufferPointer) -> Int {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = send(socket.raw, rest.baseAddress, rest.count, noSignal)
      if count > 0 {
        done += count
        continue
      }
      if count < 0, errno == EINTR { continue }
      if errno != EAGAIN, errno != EWOULDBLOCK { brokenBy = errno }
      break
    }
    return done
  }

  // MARK: - The callbacks' work; negative results are negated errno values.

  fileprivate func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard !isClosed, brokenBy == nil else { return -Int(brokenBy ?? ECONNRESET) }
    guard outgoing.count + bytes.count <= Self.outgoingLimit else {
      brokenBy = ENOBUFS
      return -Int(ENOBUFS)
    }
    let sent = outgoing.isEmpty ? sendNow(bytes) : 0
    if let brokenBy { return -Int(brokenBy) }
    if sent < bytes.count { outgoing.append(contentsOf: bytes[sent...]) }
    return bytes.count
  }

  fileprivate func give(_ memory: UnsafeMutableRawBufferPointer) -> Int {
    guard !isClosed, !isNotSSH, brokenBy == nil else { return -Int(brokenBy ?? ECONNRESET) }
    guard isReadable, allowance > 0 else { return -Int(EAGAIN) }
    while true {
      let count = recv(socket.raw, memory.baseAddress, memory.count, noSignal)
      if count > 0 {
        allowance -= count
        lastHeard = .now
        if early != nil { noteEarly(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
        // What is missing most likely is not there yet: poll(2) will tell.
        if count < memory.count { isReadable = false }
        return isNotSSH ? -Int(ECONNABORTED) : count
      }
      if count == 0 {
        isEnded = true
        return 0
      }
      if errno == EINTR { continue }
      isReadable = false
      if errno == EAGAIN || errno == EWOULDBLOCK { return -Int(EAGAIN) }
      brokenBy = errno
      return -Int(errno)
    }
  }

  private func noteEarly(_ bytes: UnsafeRawBufferPointer) {
    let rest = bytes.dropFirst(greeting.take(bytes))
    // One packet of at most 35 000 bytes, and a bit.
    if !rest.isEmpty, early?.count ?? 0 < 40_000 { early?.append(contentsOf: rest) }
  }

  fileprivate func noteDisconnect(reason: Int32, _ words: UnsafeRawBufferPointer) {
    guard disconnect == nil else { return }
    disconnect = (reason, printable(String(decoding: words.prefix(1000), as: UTF8.self)))
  }

  /// Memory for libssh2; its size stands before it.
  fileprivate func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
    guard count >= 0, allocated + count <= Self.memoryLimit else {
      isOverfed = true
      return nil
    }
    guard let block = malloc(count + Self.header) else { return nil }
    block.storeBytes(of: count, as: Int.self)
    allocated += count
    return block + Self.header
  }

  fileprivate func free(_ memory: UnsafeMutableRawPointer) {
    let block = memory - Self.header
    allocated -= block.load(as: Int.self)
    systemFree(block)
  }

  fileprivate func resize(
    _ memory: UnsafeMutableRawPointer, _ count: Int
  ) -> UnsafeMutableRawPointer? {
    guard let larger = allocate(count) else { return nil }
    larger.copyMemory(
      from: memory, byteCount: min(count, (memory - Self.header).load(as: Int.self)))
    free(memory)
    return larger
  }

  /// What malloc aligns to.
  private static let header = 16

  /// Copies bytes into memory that libssh2 will free; nil when there is none.
  func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8>? {
    guard let memory = allocate(max(1, bytes.count)) else { return nil }
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { memory.copyMemory(from: start, byteCount: source.count) }
    }
    return memory.bindMemory(to: UInt8.self, capacity: max(1, bytes.count))
  }
}

private func systemFree(_ memory: UnsafeMutableRawPointer) { free(memory) }

/// The transport behind a callback's `abstract`.
func socketTransport(
  _ abstract: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> SocketTransport? {
  guard let pointer = abstract?.pointee else { return nil }
  return Unmanaged<SocketTransport>.fromOpaque(pointer).takeUnretainedValue()
}

extension SocketTransport {
  /// Makes a libssh2 session that works on this transport, which must outlive it.
  func makeSession() -> OpaquePointer? {
    let session = libssh2_session_init_ex(
      { count, abstract in socketTransport(abstract)?.allocate(count) },
      { memory, abstract in if let memory { socketTransport(abstract)?.free(memory) } },
      { memory, count, abstract in
        guard let memory else { return socketTransport(abstract)?.allocate(count) }
        return socketTransport(abstract)?.resize(memory, count)
      },
      Unmanaged.passUnretained(self).toOpaque())
    guard let session else { return nil }
    poddump_ssh2_set_callbacks(
      session,
      { _, bytes, count, _, abstract in
        socketTransport(abstract)?.take(UnsafeRawBufferPointer(start: bytes, count: count))
          ?? -Int(EBADF)
      },
      { _, memory, count, _, abstract in
        socketTransport(abstract)?.give(UnsafeMutableRawBufferPointer(start: memory, count: count))
          ?? -Int(EBADF)
      },
      { _, reason, words, count, _, _, abstract in
        socketTransport(abstract)?.noteDisconnect(
          reason: reason, UnsafeRawBufferPointer(start: words, count: words == nil ? 0 : Int(count))
        )
      })
    return session
  }
}
