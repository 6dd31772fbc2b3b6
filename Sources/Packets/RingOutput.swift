package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Sink {
  /// A sink that writes a ring of files, named as dumpcap and tshark name theirs
  /// (`trace.pcapng` → `trace_00001_20260131235959.pcapng`), and removes the oldest ones.
  ///
  /// - Parameters:
  ///   - path: The path that the names are made from.
  ///   - files: How many files are kept, at least 1.
  ///   - size: The size that no file exceeds, in bytes; a file holds at least one record.
  /// - Throws: `Failure` when the first file cannot be made.
  package convenience init(ring path: String, files: Int, size: Int) throws(Failure) {
    let output = try RingOutput(path: path, files: max(1, files), size: size)
    self.init(name: path, readerWatch: nil, output)
  }
}

/// Writes files one after the other, each with the same beginning, and keeps the last ones.
struct RingOutput: Output {
  private let path: String
  private let files: Int
  private let size: Int
  private var prologue: [UInt8] = []
  private var names: [String] = []
  private var nearNames: [UInt8] = []
  private var allNames: [UInt8] = []
  private var number = 0
  /// How much of the present file came before its first record.
  private var beginning = 0
  private var current: FileOutput

  init(path: String, files: Int, size: Int) throws(Failure) {
    self.path = path
    self.files = files
    self.size = size
    number = 1
    let name = ringFileName(path, number: number, at: time(nil))
    names = [name]
    current = try FileOutput(path: name)
  }

  mutating func write(
    _ bytes: RawSpan, _ part: StreamPart, framing: Framing?, stop: Bell?, written: inout Int
  ) throws(Failure) -> WriteOutcome {
    guard part == .records, let framing else {
      bytes.withUnsafeBytes { prologue.append(contentsOf: $0) }
      if current.length == beginning { beginning += bytes.byteCount }
      return try current.write(bytes, part, framing: framing, stop: stop, written: &written)
    }
    while written < bytes.byteCount {
      let rest = bytes.extracting(written..<bytes.byteCount)
      var count = framing.wholeRecords(of: rest, atMost: size - current.length)
      if count == 0 {
        if current.length > beginning {
          try startNextFile(framing, stop: stop)
          continue
        }
        count = framing.wholeRecords(of: rest, atLeast: 1)
      }
      var done = 0
      defer { written += done }
      _ = try current.write(
        rest.extracting(0..<count), part, framing: framing, stop: stop, written: &done)
    }
    return .written
  }

  mutating func close() throws(Failure) { try current.close() }

  private mutating func startNextFile(_ framing: Framing, stop: Bell?) throws(Failure) {
    try current.close()
    if names.count == files { unlink(names.removeFirst()) }
    number += 1
    let name = ringFileName(path, number: number, at: time(nil))
    current = try FileOutput(path: name)
    names.append(name)
    var count = 0
    let first = prologue + fittingNames
    beginning = first.count
    _ = try current.write(
      first.span.bytes, .prologue, framing: framing, stop: stop, written: &count)
  }

  var namesRoom: Int { size }

  mutating func setNames(near: [UInt8], all: [UInt8]) {
    (nearNames, allNames) = (near, all)
  }

  /// All names if they are a small part of a file, else the nearest, else none.
  private var fittingNames: [UInt8] {
    let room = size / NameFlow.roomShare
    if allNames.count <= room { return allNames }
    return nearNames.count <= room ? nearNames : []
  }
}

/// The name of a ring's file: the path with a number of five digits and the local time before its
/// extension, as in Wireshark's ringbuffer.c.
func ringFileName(_ path: String, number: Int, at time: time_t) -> String {
  var seconds = time
  var local = tm()
  localtime_r(&seconds, &local)
  let folderEnd = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
  let dot = path[folderEnd...].lastIndex(of: ".") ?? path.endIndex
  let date =
    zeroPadded(Int(local.tm_year) + 1900, 4) + zeroPadded(Int(local.tm_mon) + 1, 2)
    + zeroPadded(Int(local.tm_mday), 2)
  let clock =
    zeroPadded(Int(local.tm_hour), 2) + zeroPadded(Int(local.tm_min), 2)
    + zeroPadded(Int(local.tm_sec), 2)
  return "\(path[..<dot])_\(zeroPadded(number % 100_000, 5))_\(date)\(clock)\(path[dot...])"
}
