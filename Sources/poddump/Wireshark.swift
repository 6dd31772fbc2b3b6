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
    #if canImport(Glibc)
    guard environmentValue("DISPLAY") != nil || environmentValue("WAYLAND_DISPLAY") != nil else {
      return nil
    }
    return program("wireshark")
    #else
    return program("Wireshark") ?? program("wireshark")
    #endif
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
  /// - Throws: `Failure` when it cannot be started.
  static func interfaces(_ tshark: String) async throws(Failure) -> [String] {
    let (text, _) = try await withChild(Command(tshark, ["-D"]), grace: .seconds(20)) {
      child throws(Failure) in
      child.input.close()
      return try await onOwnThread("tshark", stop: {}) { () throws(Failure) in
        readAll(child.output, limit: 1 << 20)
      }
    }
    return text.split(separator: "\n").map(String.init)
  }
}

/// Reads to the end, at most `limit` bytes. Blocks: own thread only.
private func readAll(_ descriptor: OwnedFD, limit: Int) -> String {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while bytes.count < limit {
    let count = read(descriptor.raw, &buffer, buffer.count)
    if count <= 0 { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
