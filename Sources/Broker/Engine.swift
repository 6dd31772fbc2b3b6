package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A program that captures and can be brought along: a static binary for one kind of machine.
package struct EngineFile: Sendable, Equatable {
  /// Where it is here.
  package var path: String
  /// The machine it is for, as uname(1) names it: "x86_64", "aarch64".
  package var machine: String
  /// In bytes.
  package var size: Int
  /// Whether it is our tap; else it is a tcpdump.
  package var isTap: Bool

  /// "tap (x86_64, 91 KiB)".
  var text: String { "\(isTap ? "tap" : "tcpdump") (\(machine), \((size + 1023) / 1024) KiB)" }

  package init(path: String, machine: String, size: Int, isTap: Bool) {
    self.path = path
    self.machine = machine
    self.size = size
    self.isTap = isTap
  }

  /// The most bytes of a binary that is brought along: a static tcpdump has 1 to 4 MiB.
  static let maximumSize = 32 << 20

  /// Looks at a binary.
  ///
  /// - Parameters:
  ///   - path: Where it is.
  ///   - isTap: Whether it is our tap.
  /// - Throws: `Failure` when it cannot be read or is no Linux program of a known machine.
  package init(path: String, isTap: Bool) throws(Failure) {
    let what = "Cannot use the binary \(printable(path, limit: 300))."
    let file = OwnedFD(open(path, O_RDONLY | O_CLOEXEC))
    guard file.raw >= 0 else { throw .system(what, errno: errno, fix: Self.howToGive) }
    var status = stat()
    guard fstat(file.raw, &status) == 0 else {
      throw .system(what, errno: errno, fix: Self.howToGive)
    }
    var header = [UInt8](repeating: 0, count: 20)
    guard status.st_mode & S_IFMT == S_IFREG, file.read(into: &header) == header.count,
      let machine = Self.machine(elf: header)
    else {
      throw Failure(
        .usage, what, why: "It is no Linux program (ELF) of a machine that nodes have.",
        fix: "Give a statically linked tcpdump for the pod's node.")
    }
    guard status.st_size <= Self.maximumSize else {
      throw Failure(
        .usage, what, why: "It is larger than \(Self.maximumSize >> 20) MiB.",
        fix: "Give one without debugging symbols: strip(1).")
    }
    self.init(path: path, machine: machine, size: Int(status.st_size), isTap: isTap)
  }

  private static let howToGive = "Name a file that is there and may be read."

  /// The machine of an ELF header's first 20 bytes (elf(5): e_ident, e_type, e_machine).
  ///
  /// - Returns: nil for what is no ELF file, or of a machine that is not known.
  static func machine(elf header: [UInt8]) -> String? {
    guard header.count >= 20, header[..<4].elementsEqual([0x7f, 0x45, 0x4c, 0x46]) else {
      return nil
    }
    let is64 = header[4] == 2
    let isLittle = header[5] == 1
    func half(_ offset: Int) -> UInt16 {
      let (first, second) = (UInt16(header[offset]), UInt16(header[offset + 1]))
      return isLittle ? first | second << 8 : second | first << 8
    }
    // A program, or one that runs wherever it is loaded (ET_EXEC, ET_DYN).
    guard [2, 3].contains(half(16)) else { return nil }
    return switch (half(18), is64, isLittle) {
    case (62, true, true): "x86_64"
    case (183, true, true): "aarch64"
    case (40, false, true): "armv7l"
    case (21, true, true): "ppc64le"
    case (22, true, false): "s390x"
    case (243, true, true): "riscv64"
    case (3, false, true): "i686"
    default: nil
    }
  }

  /// Its bytes.
  ///
  /// - Throws: `Failure` when it cannot be read.
  func bytes() throws(Failure) -> [UInt8] {
    let what = "Cannot read \(printable(path, limit: 300))."
    // It was looked at before.
    let fix = "See what became of it since; then start again."
    let file = OwnedFD(open(path, O_RDONLY | O_CLOEXEC))
    guard file.raw >= 0 else { throw .system(what, errno: errno, fix: fix) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = file.read(into: &buffer)
      guard count >= 0 else { throw .system(what, errno: errno, fix: fix) }
      if count == 0 { return result }
      result += buffer[..<count]
      guard result.count <= Self.maximumSize else {
        throw Failure(
          .other, what, why: "It is larger than \(Self.maximumSize >> 20) MiB.", fix: fix)
      }
    }
  }
}

/// The engines that can be brought along.
package struct Engines: Sendable, Equatable {
  /// Our tap, by machine.
  package var taps: [EngineFile] = []
  /// The tcpdump that `--binary` names.
  package var given: EngineFile?

  package init(taps: [EngineFile] = [], given: EngineFile? = nil) {
    self.taps = taps
    self.given = given
  }

  /// The names of machines for which there can be a tap, as uname(1) has them.
  package static let machines = ["x86_64", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64"]

  /// The taps that lie in the first of some folders that has any.
  package static func find(in folders: [String]) -> Engines {
    for folder in folders {
      let taps = machines.compactMap { machine in
        try? EngineFile(path: "\(folder)/tap-\(machine)", isTap: true)
      }
      if !taps.isEmpty { return Engines(taps: taps) }
    }
    return Engines()
  }

  /// The engine for a machine.
  ///
  /// - Parameters:
  ///   - machine: As uname(1) names it; nil where nobody knows.
  ///   - what: The failure's first sentence.
  /// - Returns: The one that was given, else the tap for that machine.
  /// - Throws: `Failure` when there is none.
  func file(for machine: String?, _ what: String) throws(Failure) -> EngineFile {
    guard let machine else {
      throw Failure(
        .noRoute, what, why: "Nobody knows what kind of machine it is: there is no uname.",
        fix: "Use another route.")
    }
    if let given {
      guard given.machine == machine || Self.runs(given.machine, on: machine) else {
        throw Failure(
          .noRoute, what,
          why: "The binary is for \(given.machine), and the machine there is \(machine).",
          fix: "Give one for \(machine) with --binary, or leave it out.")
      }
      return given
    }
    guard
      let tap = taps.first(where: { $0.machine == machine || Self.runs($0.machine, on: machine) })
    else {
      throw Failure(
        .noRoute, what,
        why: taps.isEmpty
          ? "The tap, poddump's own engine, is not installed beside it."
          : "There is no tap for machines of the kind \(machine).",
        fix: "Install all of poddump (make tap builds it), or give a static tcpdump with --binary.")
    }
    return tap
  }

  /// Whether a kernel of one machine runs the other's 32-bit programs.
  private static func runs(_ program: String, on machine: String) -> Bool {
    (program == "armv7l" && machine == "armv8l") || (program == "i686" && machine == "x86_64")
  }
}
