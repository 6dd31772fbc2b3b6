internal import Base
internal import SSH

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A shell on a node that runs the script: it answers one question, and then waits for its order.
struct NodeShell: Sendable {
  /// Our ends of its streams.
  let streams: RemoteStreams
  /// "node n1".
  let place: String
  /// How it is reached.
  let route: RouteName
  /// What may be the matter where nothing answers, beside a node that has too much to do; a sentence's part.
  let suspicion: String
  /// Closes its input and waits for its end; the parameter is what it wrote to standard error.
  let end: @Sendable (String) async -> RemoteEnd

  /// A shell at the end of an ssh connection.
  init(process: SSHProcess, place: String) {
    streams = process.streams
    self.place = place
    route = .ssh
    suspicion =
      process.engine == .openssh ? " or the ssh agent does not answer (SSH_AUTH_SOCK)," : ""
    end = { await process.end(errors: $0) }
  }

  /// How long the answer may take, in seconds: the runtimes' commands may hang for three each.
  private static let patience = Duration.seconds(25)
  /// The most bytes of an answer.
  private static let limit = 1 << 20

  /// Asks and waits for the answer.
  ///
  /// - Throws: `Failure` when there is none: the connection failed, or something else answers than a shell.
  func ask(_ question: NodeQuestion) async throws(Failure) -> NodeFacts {
    let script = Array(NodeScript.text(question).utf8)
    let stop = try Bell()
    let streams = streams
    let answer = try await onOwnThread("question", stop: { stop.ring() }) {
      () throws(Failure) -> Answer in
      var reading = Answer(limit: Self.limit)
      reading.read(streams, sending: script, deadline: .now + Self.patience, stop: stop)
      return reading
    }
    if answer.isComplete, var facts = NodeFacts(answer: answer.text) {
      let lines = answer.errors.split(whereSeparator: \.isNewline)
      facts.sudoSays = lines.last { $0.hasPrefix("sudo: ") }.map { printable($0, limit: 200) }
      return facts
    }
    throw await failure(answer)
  }

  /// Puts an engine there, through the same connection, into the first directory that will have it.
  ///
  /// - Returns: Its path.
  /// - Throws: `Failure` when there is none.
  func put(_ placement: Placement, _ what: String) async throws(Failure) -> String {
    let bytes = try placement.file.bytes()
    guard let digest = sha256(bytes) else {
      throw Failure(.other, what, why: "libcrypto cannot compute SHA-256.")
    }
    var said = ""
    for directory in placement.directories {
      let path = placement.path(in: directory)
      let stop = try Bell()
      let streams = streams
      let request =
        Array(NodeScript.put(path: path, size: bytes.count, isTap: placement.file.isTap).utf8)
        + bytes
      let answer = try await onOwnThread("upload", stop: { stop.ring() }) {
        () throws(Failure) -> Answer in
        var reading = Answer(limit: Self.limit, end: NodeScript.placed)
        reading.read(streams, sending: request, deadline: .now + Placement.patience, stop: stop)
        return reading
      }
      guard answer.isComplete else {
        throw Failure(
          .unreachable, what, why: "The connection broke while the engine was put there.",
          fix: "Try again.", detail: printable(answer.errors, limit: 1000))
      }
      if answer.text.contains("\nsha256=\(digest)\n") { return path }
      said = printable(answer.errors + answer.text, limit: 300)
    }
    throw Failure(
      .noRoute, what, why: "No directory on \(place) takes a program and runs it.",
      fix: "Install tcpdump there.", detail: said)
  }

  /// Why there is no answer.
  private func failure(_ answer: Answer) async -> Failure {
    let what = "Cannot look at \(place) by \(route.rawValue)."
    let end = await end(answer.errors)
    let said = excerpt(answer.text.isEmpty ? answer.errors : answer.text)
    let detail = printable(answer.errors + answer.text, limit: 2000)
    func refusal(_ why: String, _ fix: String) -> Failure {
      Failure(.noRoute, what, why: why, fix: fix, detail: detail.isEmpty ? nil : detail)
    }
    if answer.isTooLong {
      return refusal(
        "It answered with more than \(Self.limit >> 20) MiB, which no shell of ours does.",
        "See what the login shell there prints: ssh to it, and run true.")
    }
    // Before the end, which is then of our own making.
    if answer.isLate {
      return Failure(
        .unreachable, what,
        why: "It took longer than \(Self.patience.components.seconds) s to answer.",
        fix: "See whether the node is overloaded,\(suspicion) and try again.",
        detail: detail.isEmpty ? nil : detail)
    }
    switch end {
    case .failed(let failure): return failure
    case .exited(let code):
      if answer.errors.contains("restricted") || code == 127 || code == 126 {
        return refusal(
          "The login shell there may not start sh (exit status \(code)): \(said).",
          "Log in as a user with an ordinary shell: user in [ssh] of the configuration.")
      }
      if answer.text.contains(NodeScript.greeting) {
        return Failure(
          .unreachable, what, why: "Its answer broke off (exit status \(code)).",
          fix: "Try again; see whether something on the node ends the login's processes.",
          detail: detail.isEmpty ? nil : detail)
      }
      return refusal(
        said.isEmpty
          ? "The login there ended with exit status \(code) and without a word."
          : "Something else than a shell answered: \(said).",
        "Log in as a user whose shell runs commands, without a forced command: user in [ssh] of the "
          + "configuration.")
    }
  }

  private func excerpt(_ text: String) -> String {
    let shown = printable(text, limit: 1000)
    // What is no text says nothing to anybody.
    guard shown.count(where: { $0 == "\u{FFFD}" }) * 2 < shown.count + 1 else {
      return "bytes that are no text"
    }
    let lines = shown.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" })
    return String(lines.joined(separator: " ").prefix(200)).trimmingDots()
  }
}

extension String {
  fileprivate func trimmingDots() -> String {
    var text = Substring(self)
    while text.hasSuffix(".") || text.hasSuffix(" ") { text = text.dropLast() }
    return String(text)
  }
}

/// What has come in answer to a question: bounded, and not past its last line.
private struct Answer: Sendable {
  let limit: Int
  private let end: [UInt8]
  private var bytes: [UInt8] = []
  private var errorBytes: [UInt8] = []
  private(set) var isComplete = false
  private(set) var isLate = false

  init(limit: Int, end: String = NodeScript.answered) {
    self.limit = limit
    self.end = Array("\n\(end)\n".utf8)
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
  var errors: String { String(decoding: errorBytes, as: UTF8.self) }
  var isTooLong: Bool { bytes.count >= limit }

  /// Sends a question and reads until the answer's last line, the end of the stream, the limit or the
  /// deadline. What stands on standard error is taken along: it says why there is no answer.
  ///
  /// Both at once: a far end that does not read must not hold us up for good. A far end that is gone already
  /// says why when its streams are read.
  mutating func read(
    _ streams: RemoteStreams, sending question: [UInt8], deadline: ContinuousClock.Instant,
    stop: Bell
  ) {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var question = question[...]
    var isOpen = (output: true, errors: true)
    while isOpen.output || isOpen.errors {
      var entries = [
        pollfd(fd: isOpen.output ? streams.output.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOpen.errors ? streams.errors.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: question.isEmpty ? -1 : streams.input.raw, events: Int16(POLLOUT), revents: 0),
      ]
      // Its output having ended, the last words are waited for, but not for long.
      let left = ContinuousClock.now.duration(to: deadline)
      let patience = isOpen.output ? left : min(left, .seconds(5))
      let ready = poll(&entries, 4, Int32(max(0, patience / .milliseconds(1))))
      if ready < 0 && errno == EINTR { continue }
      // Also when there is always something to read.
      guard ready > 0, left > .zero else {
        isLate = isOpen.output
        return
      }
      if entries[2].revents != 0 { return }
      if entries[3].revents != 0 {
        // A pipe that can be written to takes as much without waiting (pipe(7), PIPE_BUF).
        let part = question.prefix(Int(PIPE_BUF))
        let count = part.withUnsafeBytes { write(streams.input.raw, $0.baseAddress, $0.count) }
        if count > 0 {
          question = question.dropFirst(count)
        } else if count < 0, errno != EINTR, errno != EAGAIN {
          question = []
        }
      }
      if entries[1].revents != 0 {
        let count = streams.errors.read(into: &buffer)
        if count <= 0 { isOpen.errors = false }
        if count > 0, errorBytes.count < 64 * 1024 { errorBytes += buffer[..<count] }
      }
      if entries[0].revents != 0 {
        let count = streams.output.read(into: &buffer)
        if count <= 0 { isOpen.output = false } else { bytes += buffer[..<count] }
        if bytes.suffix(end.count) == end[...] {
          isComplete = true
          return
        }
        if isTooLong { return }
      }
    }
  }
}
