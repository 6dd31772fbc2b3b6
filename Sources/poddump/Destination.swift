internal import Base
internal import Packets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Where the command line's packets go.
enum Destination: Equatable {
  /// Standard output: a pipe or a file, never a terminal.
  case standardOutput
  /// A file.
  case file(String)
  /// A ring of files.
  case ring(String, files: Int, size: Int)
  /// A Wireshark that we start.
  case wireshark(program: String)

  /// Chooses, from what was asked and what is there.
  ///
  /// - Parameters:
  ///   - write: `-w`; nil without it.
  ///   - ring: `--ring`; nil without it.
  ///   - open: `--open`.
  ///   - outputIsTerminal: Whether standard output is a terminal.
  ///   - wireshark: Finds Wireshark; nil where there is none, or no screen.
  /// - Returns: Where packets will go.
  /// - Throws: `Failure` of kind `usage` when packets would go to a terminal or nowhere.
  static func choose(
    write: String?, ring: Ring?, open: Bool, outputIsTerminal: Bool, wireshark: () -> String?
  ) throws(Failure) -> Destination {
    if open {
      guard write == nil, ring == nil else {
        throw Failure(
          .usage, "--open and -w do not go together.", fix: "Leave one of them out.")
      }
      guard let program = wireshark() else {
        throw Failure(
          .other, "Cannot open Wireshark.", why: "It was not found on the PATH.",
          fix: "Install it, or write to a file with -w.")
      }
      return .wireshark(program: program)
    }
    if let ring {
      guard let write, write != "-" else {
        throw Failure(
          .usage, "--ring needs a file name.", fix: "Give one with -w, such as -w trace.pcapng.")
      }
      return .ring(write, files: ring.files, size: ring.size)
    }
    if let write, write != "-" { return .file(write) }
    guard outputIsTerminal else { return .standardOutput }
    if write == nil, let program = wireshark() { return .wireshark(program: program) }
    throw Failure(
      .usage, "Packets are not written to a terminal.",
      why: "They are binary, and would garble it.",
      fix: "Write to a file with -w trace.pcap, or pipe into a program: | tshark -r -")
  }

  /// The format by the rules of the command line: what was asked for, else what the file's name says,
  /// else classic pcap, the one that every reader of a pipe takes, where there is one interface.
  func isPcapng(_ format: FormatChoice?, isSingle: Bool) -> Bool {
    if let format { return format == .pcapng }
    switch self {
    case .file(let path), .ring(let path, _, _): return !path.hasSuffix(".pcap")
    case .standardOutput, .wireshark: return !isSingle
    }
  }

  /// Checks, without changing anything, that a file could be written.
  ///
  /// - Throws: `Failure` that names the file and the cause.
  func check() throws(Failure) {
    let path: String
    let isRing: Bool
    switch self {
    case .file(let name): (path, isRing) = (name, false)
    case .ring(let name, _, _): (path, isRing) = (name, true)
    case .standardOutput, .wireshark: return
    }
    let what = "Cannot write \(path)."
    var status = stat()
    // A ring's files have names of their own, beside this one.
    if !isRing, stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw Failure(.other, what, why: "It is a directory.", fix: "Give a file name with -w.")
      }
      guard access(path, W_OK) == 0 else {
        throw .system(what, errno: errno, fix: "Choose another file with -w.")
      }
      return
    }
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { path[...$0] }.map(String.init) ?? "."
    guard access(directory, W_OK | X_OK) == 0 else {
      throw .system(what, errno: errno, fix: "Choose another file with -w.")
    }
  }
}

/// `--format`.
enum FormatChoice: String, CaseIterable {
  case pcap, pcapng
}

/// `--ring FILES:SIZE`.
struct Ring: Equatable, Sendable {
  var files: Int
  var size: Int

  init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let files = Int(parts[0]), files >= 1,
      let size = Quantities.bytes(parts[1]), size >= 1000
    else { return nil }
    self.files = files
    self.size = size
  }
}
