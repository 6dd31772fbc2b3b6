internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The Wireshark on this machine.
enum Wireshark {
  /// A program of Wireshark's by its name (`wireshark`, `tshark`); nil where there is none.
  static func program(_ name: String) -> String? {
    let application = "/Applications/Wireshark.app/Contents/MacOS"
    return KubectlFinder.find(
      name, in: KubectlFinder.directories(environmentValue) + [application])
  }

  /// Wireshark, if there is a screen that it could open on.
  static func onScreen() -> String? {
    guard Dialogs.hasScreen else { return nil }
    return windowNames.lazy.compactMap { program($0) }.first
  }

  /// Starts Wireshark reading from a pipe. It stays open when the capture ends, so that nobody waits
  /// for it and nothing ends it.
  ///
  /// - Parameter program: Wireshark's path.
  /// - Returns: The pipe's writing end.
  /// - Throws: `Failure` when it cannot be started.
  static func open(_ program: String) throws(Failure) -> OwnedFD {
    let pipe = try Pipe(bufferSize: Pipe.packetBufferSize)
    try startDetached(program, ["-k", "-i", "-"], input: pipe.reader)
    return pipe.writer
  }
}

extension Wireshark {
  /// The lines of `tshark -D`, our own interfaces among them.
  ///
  /// - Parameter tshark: tshark's path.
  /// - Returns: A line per interface.
  /// - Throws: `Failure` when it cannot be started or does not answer.
  static func interfaces(_ tshark: String) async throws(Failure) -> [String] {
    try await output(tshark, ["-D"]).split(separator: "\n").map(String.init)
  }

  /// What one of Wireshark's programs says on standard output.
  ///
  /// - Parameters:
  ///   - program: Its path.
  ///   - arguments: Its arguments.
  /// - Returns: The text, whatever the exit status.
  /// - Throws: `Failure` when it cannot be started or does not answer within 20 s.
  static func output(_ program: String, _ arguments: [String]) async throws(Failure) -> String {
    let (text, _) = try await withChild(Command(program, arguments), grace: .seconds(1)) {
      child throws(Failure) in
      child.input.close()
      let bell = try Bell()
      return try await onOwnThread("wireshark", stop: { bell.ring() }) {
        () throws(Failure) -> String? in
        readAll(child.output, limit: 1 << 20, stop: bell, within: .seconds(20))
      }
    }
    guard let text else {
      throw Failure(
        .other, "\(program) does not answer.",
        why: "\(arguments.joined(separator: " ")) took more than 20 s.",
        fix: "See what it waits for: \(([program] + arguments).joined(separator: " ")).")
    }
    return text
  }
}

/// Reads to the end, at most `limit` bytes; nil if the end does not come in time. Blocks: own thread only.
private func readAll(
  _ descriptor: OwnedFD, limit: Int, stop: Bell, within time: Duration
) -> String? {
  let deadline = ContinuousClock.now + time
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while bytes.count < limit {
    var entries = [
      pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
    ]
    guard ContinuousClock.now < deadline else { return nil }
    guard poll(&entries, 2, 500) > 0 else { continue }
    guard entries[1].revents == 0 else { return nil }
    let count = descriptor.read(into: &buffer)
    if count <= 0 { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
