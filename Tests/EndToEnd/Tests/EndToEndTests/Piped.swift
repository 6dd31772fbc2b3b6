import Foundation
import Testing

/// poddump-extcap as Wireshark starts it for a capture, with the test at the other end of its FIFO.
final class Piped {
  let program: Program
  let fifo: Fifo
  private let mark: String
  private let filter: String
  private let folder: Folder
  /// What has come through the FIFO.
  private(set) var stream = Data()

  /// Starts a capture of an interface, a busy one or one whose filter lets nothing through.
  init(
    _ interface: String, isBusy: Bool, in folder: Folder, _ words: [String] = [],
    isRead: Bool = true, environment: [String: String?]? = nil, inside wrapper: [String] = []
  ) throws {
    let number = folder.nextNumber()
    self.folder = folder
    mark = "\(folder.path)-\(number)"
    filter = isBusy ? "not udp port \(number)" : "udp port \(number)"
    fifo = try Fifo(in: folder.path, isRead: isRead)
    var environment = environment ?? folder.environment
    environment["PODDUMP_TEST"] = mark
    program = try Program(
      wrapper + [Lab.extcap]
        + fifo.capture(interface, words: ["--extcap-capture-filter", filter] + words),
      environment: environment)
    // Wireshark's is at its end from the beginning.
    try program.input.fileHandleForWriting.close()
  }

  /// Reads what has come.
  @discardableResult
  func read() -> Data {
    stream += fifo.bytes
    return stream
  }

  /// Reads until there is more than so many bytes; false when there never is.
  func wait(_ seconds: Double = 40, forMoreThan count: Int) -> Bool {
    program.wait(seconds) { read().count > count || !program.process.isRunning }
    return read().count > count
  }

  /// The processes of this capture here.
  var processesHere: [LocalProcess] { LocalProcess.all(marked: "PODDUMP_TEST=\(mark)") }

  /// What captures of it at the far end.
  var processesThere: [LocalProcess] {
    LocalProcess.all { process in
      ["tcpdump", "poddump-tap"].contains { process.name.hasPrefix($0) }
        && process.arguments.contains {
          $0 == filter || $0.hasSuffix("and (\(filter))")
        }
    }
  }

  /// Waits until the header and the interface have come, and packets of a busy one.
  func waitUntilCapturing(
    isBusy: Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    // A section header of ours with its options is below 200 bytes, an interface above.
    let has = wait(forMoreThan: isBusy ? 2000 : 200)
    #expect(
      has && program.process.isRunning, "\(stream.count) bytes, \(program.errors)",
      sourceLocation: sourceLocation)
  }

  /// What came, as a file.
  func file() throws -> PacketFile {
    let path = "\(folder.path)/\(folder.nextNumber()).pcapng"
    try read().write(to: URL(filePath: path))
    return PacketFile(path)
  }

  /// Expects that it ended well: status 0, and not a word that Wireshark would put into a dialog.
  @discardableResult
  func expectWell(
    within seconds: Double, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Finished {
    let begin = Date()
    program.wait(seconds + 5) {
      read()
      return !program.process.isRunning
    }
    let took = Date().timeIntervalSince(begin)
    let end = program.finish(within: 1)
    #expect(
      end.status == 0 && end.errors.isEmpty && end.bytes.isEmpty, "\(comment): \(end)",
      sourceLocation: sourceLocation)
    #expect(took <= seconds, "\(comment): it takes \(took) s", sourceLocation: sourceLocation)
    return end
  }

  /// Waits until nobody takes part in it, here and there.
  func expectGone(
    within seconds: Double, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let gone = program.wait(seconds) { processesThere.isEmpty && processesHere.isEmpty }
    #expect(
      gone, "\(comment): left \(processesHere) \(processesThere)", sourceLocation: sourceLocation)
  }
}
