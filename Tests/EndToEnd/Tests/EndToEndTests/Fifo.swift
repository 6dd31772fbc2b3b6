import Foundation
import Testing

/// A FIFO as Wireshark makes one for an extcap, read by the test.
final class Fifo {
  let path: String
  private var reader: Int32 = -1

  /// The beginning of every pcapng stream: the type of a section header block.
  static let sectionHeader = Data([0x0A, 0x0D, 0x0D, 0x0A])

  convenience init(_ scratch: Scratch, isRead: Bool = true) throws {
    try self.init(in: scratch.temporary, isRead: isRead)
  }

  /// Makes a FIFO in a folder, which somebody reads from the beginning if `isRead` is set.
  init(in folder: String, isRead: Bool = true) throws {
    path = "\(folder)/fifo-\(UUID().uuidString.prefix(8))"
    try #require(mkfifo(path, 0o600) == 0)
    if isRead { try startReading() }
  }

  deinit { stopReading() }

  /// Somebody begins to read.
  func startReading() throws {
    reader = open(path, O_RDONLY | O_NONBLOCK)
    try #require(reader >= 0)
  }

  /// The reader leaves.
  func stopReading() {
    if reader >= 0 { close(reader) }
    reader = -1
  }

  /// What has arrived since the last call, at most what a pipe holds.
  var bytes: Data {
    var all = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(reader, &buffer, buffer.count)
      if count <= 0 { return all }
      all.append(contentsOf: buffer[..<count])
    }
  }

  /// What Wireshark passes for a capture into it.
  func capture(_ interface: String, _ words: String...) -> [String] {
    capture(interface, words: words)
  }

  func capture(_ interface: String, words: [String]) -> [String] {
    ["--capture", "--extcap-interface", interface, "--fifo", path] + words
  }
}
