internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What a program without input printed, and how it ended.
struct ShortRun: Sendable, Equatable {
  var status: ChildStatus
  var output: String
  var errors: String

  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - command: What to run; it gets no input.
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - deadline: How long it may take; it is ended then.
  ///   - limit: The most bytes accepted from each of its outputs.
  /// - Returns: What it printed, whatever its exit status.
  /// - Throws: `Failure` when it cannot be started, takes too long, or prints too much.
  static func run(
    _ command: Command, _ what: String, within deadline: Duration, limit: Int = 1 << 20
  ) async throws(Failure) -> ShortRun {
    let bell = try Bell()
    let (reader, status) = try await withChild(command, grace: .milliseconds(500)) {
      (child) async throws(Failure) -> Reader in
      child.input.close()
      return try await onOwnThread("ssh -G", stop: { bell.ring() }) { () throws(Failure) in
        var reader = Reader(what: what, end: .now + deadline, limit: limit)
        try reader.run(child.output, child.errors, stop: bell)
        return reader
      }
    }
    return ShortRun(
      status: status, output: String(decoding: reader.output, as: UTF8.self),
      errors: String(decoding: reader.errors, as: UTF8.self))
  }
}

/// Reads two streams to their ends, with a deadline. Blocks: own thread only.
private struct Reader: Sendable {
  let what: String
  let end: ContinuousClock.Instant
  let limit: Int
  var output: [UInt8] = []
  var errors: [UInt8] = []

  mutating func run(_ first: OwnedFD, _ second: OwnedFD, stop: Bell) throws(Failure) {
    // poll(2) passes over descriptors below zero.
    var entries = [first.raw, second.raw, stop.reader].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    while entries[0].fd >= 0 || entries[1].fd >= 0 {
      let left = (end - .now) / .milliseconds(1)
      guard left > 0 else {
        throw Failure(
          .other, what, why: "It took too long.",
          fix: "Run the same by hand: a name server or a program named in ssh's files may hang.")
      }
      guard poll(&entries, 3, Int32(left.rounded(.up))) >= 0 || errno == EINTR else {
        throw .system(what, errno: errno)
      }
      if entries[2].revents != 0 { throw Failure(.other, what, why: "It was interrupted.") }
      if entries[0].revents != 0, try !take(first, into: \.output) { entries[0].fd = -1 }
      if entries[1].revents != 0, try !take(second, into: \.errors) { entries[1].fd = -1 }
    }
  }

  /// Reads once.
  ///
  /// - Returns: False at the stream's end.
  private mutating func take(
    _ stream: OwnedFD, into kept: WritableKeyPath<Reader, [UInt8]>
  ) throws(Failure) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let count = read(stream.raw, &buffer, buffer.count)
    guard count > 0 else { return count < 0 && errno == EINTR }
    guard self[keyPath: kept].count + count <= limit else {
      throw Failure(.other, what, why: "The answer is larger than \(limit >> 10) KiB.")
    }
    self[keyPath: kept].append(contentsOf: buffer[..<count])
    return true
  }
}
