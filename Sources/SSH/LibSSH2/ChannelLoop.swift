internal import Base
internal import CSSH2

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Moves the three streams of one command over a connection until one side ends it.
struct ChannelLoop: ~Copyable {
  /// After so long a silence the server is asked for a sign of life.
  static let keepaliveInterval = Duration.seconds(5)
  /// After so long a silence, with that question unanswered, the connection is dead.
  static let deadAfter = Duration.seconds(20)
  /// Rounds of reading between two looks at the bell.
  private static let rounds = 16
  /// The most bytes that one read from our input takes; libssh2 sends at most 32 KiB at once.
  private static let inputSize = 32 << 10

  private let session: LibSSH2Session
  private let channel: OpaquePointer
  private let transport: SocketTransport
  private let host: String
  private let stop: Bell
  private var output: FarStream
  private var errors: FarStream
  /// Our end of the far end's input; nil when it has ended.
  private var input: OwnedFD?
  private let inputBuffer: UnsafeMutableRawBufferPointer
  private var inputStart = 0
  private var inputEnd = 0
  private var isEOFSent = false
  /// Whether the server was asked for a sign of life and has not given one.
  private var isAsking = false

  /// Takes over a session in which a command runs; it is closed when the loop goes.
  init(
    _ session: consuming LibSSH2Session, channel: OpaquePointer, host: String,
    input: OwnedFD, output: OwnedFD, errors: OwnedFD, stop: Bell
  ) {
    transport = session.transport
    self.session = session
    self.channel = channel
    self.host = host
    self.stop = stop
    self.output = FarStream(0, to: output)
    self.errors = FarStream(SSH_EXTENDED_DATA_STDERR, to: errors)
    self.input = input
    inputBuffer = .allocate(byteCount: Self.inputSize, alignment: 16)
    _ = fcntl(input.raw, F_SETFL, O_NONBLOCK)
  }

  deinit {
    inputBuffer.deallocate()
    input?.close()
  }

  /// Runs until the command ends, the connection is lost or the bell rings.
  mutating func run() -> RemoteEnd {
    while true {
      transport.refill()
      var isBusy = false
      output.passOn()
      errors.passOn()
      for _ in 0..<Self.rounds {
        do throws(Failure) {
          let moved = try moveStreams()
          try sendInput()
          try keepAlive()
          if try isOver() { return end() }
          isBusy = moved
        } catch {
          return .failed(error)
        }
        if !isBusy { break }
      }
      transport.flush()
      if let ended = sleep(isBusy: isBusy || transport.mayReceiveMore) { return ended }
    }
  }

  // MARK: - From the far end

  /// Reads what there is once.
  ///
  /// - Returns: Whether there may be more that can go on at once.
  private mutating func moveStreams() throws(Failure) -> Bool {
    let outputCount = try check(Self.fetch(channel, into: &output))
    let errorsCount = try check(Self.fetch(channel, into: &errors))
    if output.isBlocked || output.isEnded, errors.isBlocked || errors.isEnded {
      // Nobody reads, but answers and window adjustments still must be heard: a read of a stream that
      // does not exist makes libssh2 take them in.
      var nothing: CChar = 0
      _ = try check(libssh2_channel_read_ex(channel, Int32.max, &nothing, 1))
    }
    return outputCount > 0 && !output.isBlocked || errorsCount > 0 && !errors.isBlocked
  }

  private static func fetch(_ channel: OpaquePointer, into stream: inout FarStream) -> Int {
    guard !stream.isBlocked, !stream.isEnded else { return 0 }
    let number = stream.number
    let count = stream.fill { buffer in
      libssh2_channel_read_ex(
        channel, number, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    if count == 0, libssh2_channel_eof(channel) == 1 { stream.end() }
    return count
  }

  /// Turns "would block" into 0 bytes, and an error into words.
  private func check(_ code: Int) throws(Failure) -> Int {
    if code >= 0 { return code }
    if code == Int(LIBSSH2_ERROR_EAGAIN) { return 0 }
    throw lost(Int32(clamping: code))
  }

  // MARK: - To the far end

  private mutating func sendInput() throws(Failure) {
    guard !isEOFSent else { return }
    while true {
      if inputStart < inputEnd {
        let start = inputBuffer.baseAddress?.advanced(by: inputStart)
        let count = try check(
          libssh2_channel_write_ex(
            channel, 0, start?.assumingMemoryBound(to: CChar.self), inputEnd - inputStart))
        if count == 0 { return }
        inputStart += count
        continue
      }
      guard let input else {
        // 1.10 answers a far end that has closed already with an error: it needs no EOF any more.
        let code = libssh2_channel_send_eof(channel)
        if code == LIBSSH2_ERROR_EAGAIN { return }
        isEOFSent = true
        return
      }
      // What waits to be sent is enough; the far end's window is seen to by the write.
      guard transport.outgoing.count < Self.inputSize else { return }
      let count = read(input.raw, inputBuffer.baseAddress, Self.inputSize)
      if count > 0 {
        inputStart = 0
        inputEnd = count
      } else if count == 0 {
        input.close()
        self.input = nil
      } else if errno == EAGAIN || errno == EINTR {
        return
      } else {
        throw Failure.system("Cannot read what is to be sent to \(host).", errno: errno)
      }
    }
  }

  /// Asks for a sign of life in a silence.
  ///
  /// Not by libssh2_keepalive_send(3): in 1.10 the answers to it stay in the session's queue for ever, which
  /// every read then walks. A channel's answers are taken out. A running command's channel takes no
  /// variables any more (RFC 4254, 6.4), so the server refuses, and that is the answer.
  private mutating func keepAlive() throws(Failure) {
    let silence = ContinuousClock.now - transport.lastHeard
    guard isAsking || silence >= Self.keepaliveInterval else { return }
    // A far end that has closed its side answers no more. What it sent is here and waits for our reader.
    guard libssh2_channel_wait_closed(channel) != 0 else { return }
    let code = libssh2_channel_setenv_ex(channel, "PODDUMP_KEEPALIVE", 17, "", 0)
    isAsking = code == LIBSSH2_ERROR_EAGAIN
    guard isAsking, silence >= Self.deadAfter else { return }
    throw Failure(
      .unreachable, "The connection to \(host) is lost.",
      why: "Nothing was heard from \(host) for \(Self.deadAfter.components.seconds) s.",
      fix: Self.checkNetwork)
  }

  // MARK: - The end

  private mutating func isOver() throws(Failure) -> Bool {
    guard output.isEnded, errors.isEnded, !output.isBlocked, !errors.isBlocked else { return false }
    let code = libssh2_channel_wait_closed(channel)
    if code == LIBSSH2_ERROR_EAGAIN { return false }
    guard code == 0 else { throw lost(code) }
    return true
  }

  private func end() -> RemoteEnd {
    var name: UnsafeMutablePointer<CChar>?
    var count = 0
    libssh2_channel_get_exit_signal(channel, &name, &count, nil, nil, nil, nil)
    if let name {
      defer { libssh2_free(session.handle, name) }
      return .exited(ExitSignal.status(String(cString: name)))
    }
    return .exited(libssh2_channel_get_exit_status(channel))
  }

  private static let checkNetwork = "Start again; check the network and what stands between."
  private static let checkServer = "Start again; the log of its sshd may say why."
  private static let otherEngine = "Try the OpenSSH client: --ssh-engine openssh."

  private func lost(_ code: Int32) -> Failure {
    let what = "The connection to \(host) is lost."
    if let said = transport.disconnect {
      return Failure(
        .unreachable, what, why: "The server ended it: \(said.words)", fix: Self.checkServer)
    }
    if transport.isOverfed {
      return Failure(
        .unreachable, what, why: "The server sent far more than it was asked for.",
        fix: Self.otherEngine)
    }
    if let broken = transport.brokenBy {
      return Failure(
        .unreachable, what, why: "The system says: \(errorText(broken)).", fix: Self.checkNetwork)
    }
    if transport.isEnded {
      return Failure(.unreachable, what, why: "The server hung up.", fix: Self.checkServer)
    }
    return Failure(
      .unreachable, what, why: "The server broke the protocol.", fix: Self.otherEngine,
      detail: "libssh2: \(session.lastWords) (\(code))")
  }

  // MARK: - Sleeping

  private func sleep(isBusy: Bool) -> RemoteEnd? {
    let wantsInput =
      !isEOFSent && inputStart == inputEnd
      && transport.outgoing.count < Self.inputSize
    var entries = [
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      pollfd(
        fd: transport.socket.raw,
        events: Int16(transport.outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0),
      pollfd(fd: output.isBlocked ? output.pipe.raw : -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: errors.isBlocked ? errors.pipe.raw : -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: wantsInput ? input?.raw ?? -1 : -1, events: Int16(POLLIN), revents: 0),
    ]
    // A second is precise enough for the silences, and the clock is read when something happens.
    let count = poll(&entries, nfds_t(entries.count), isBusy ? 0 : 1000)
    guard count > 0 else { return nil }
    if entries[1].revents != 0 { transport.noteReadable() }
    guard entries[0].revents != 0 else { return nil }
    return .failed(
      Failure(.other, "The command on \(host) was left running.", why: "It was told to end."))
  }
}
