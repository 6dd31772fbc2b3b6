#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Whether a program can be started in a container, found out from outside by looking at the
/// container's root: so that a start that fails is told apart from a program that exits with 127.
struct ProgramLookup {
  /// The directory that is the container's root.
  var root: String
  /// The container's search path.
  var path: String

  /// The root and the search path of a running process.
  /// - Returns: nil if they cannot be read.
  init?(pid: Int32) {
    guard let environment = Self.contents(of: "/proc/\(pid)/environ") else { return nil }
    let variables = environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    let path = variables.first { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
    self.init(
      root: "/proc/\(pid)/root",
      path: path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  }

  init(root: String, path: String) {
    (self.root, self.path) = (root, path)
  }

  /// Why the program cannot be started, in the words of runc; nil if it can, or if only the runtime
  /// can tell.
  func failure(of program: String) -> String? {
    if program.contains("/") {
      guard program.hasPrefix("/") else { return nil }
      guard let mode = mode(of: program) else {
        return "exec: \"\(program)\": stat \(program): no such file or directory"
      }
      return Self.isProgram(mode) ? nil : "exec: \"\(program)\": permission denied"
    }
    let found = path.split(separator: ":").contains { directory in
      mode(of: "\(directory)/\(program)").map(Self.isProgram) ?? false
    }
    return found ? nil : "exec: \"\(program)\": executable file not found in $PATH"
  }

  private static func isProgram(_ mode: mode_t) -> Bool {
    mode & S_IFMT == S_IFREG && mode & 0o111 != 0
  }

  /// The mode of a file in the container. Links are followed by hand: a link that begins with `/`
  /// means the container's root, not ours.
  private func mode(of file: String) -> mode_t? {
    var pending = file.split(separator: "/").map(String.init)[...]
    var resolved: [String] = []
    var links = 0
    var mode: mode_t = S_IFDIR
    while let name = pending.popFirst() {
      if name == "." { continue }
      if name == ".." {
        _ = resolved.popLast()
        continue
      }
      let candidate = ([root] + resolved + [name]).joined(separator: "/")
      var status = stat()
      guard lstat(candidate, &status) == 0 else { return nil }
      mode = status.st_mode
      guard mode & S_IFMT == S_IFLNK else {
        resolved.append(name)
        continue
      }
      links += 1
      guard links <= 40, let target = Self.link(at: candidate) else { return nil }
      if target.hasPrefix("/") { resolved = [] }
      pending = (target.split(separator: "/").map(String.init) + pending)[...]
    }
    return mode
  }

  private static func link(at path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        characters.baseAddress.map { readlink(path, $0, characters.count) } ?? -1
      }
    }
    return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  private static func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { return nil }
      guard count > 0 else { return contents }
      contents.append(contentsOf: buffer.prefix(count))
    }
  }
}
