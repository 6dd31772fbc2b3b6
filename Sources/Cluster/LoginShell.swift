internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The user's login shell, which knows a PATH that a program started from the desktop does not have.
package enum LoginShell {
  /// What stands before the PATH, so that it is found among whatever the user's own files print.
  private static let mark = "poddump-path:"
  /// The most directories that are taken.
  private static let most = 100

  /// The directories of PATH as the login shell sets it.
  ///
  /// The user's own files run for this, and may do anything; so it is asked seldom, never while somebody
  /// waits, and has its time.
  ///
  /// - Parameters:
  ///   - shell: The shell's path; by default that of the user.
  ///   - patience: How long it may take.
  /// - Returns: Absolute paths; none where the shell does not say it in time.
  package static func directories(
    shell: String? = userShell(), within patience: Duration = .seconds(1)
  ) async -> [String] {
    guard let shell, shell.hasPrefix("/"), isProgram(shell) else { return [] }
    // bash, zsh, dash, ksh and fish all take this; what takes it otherwise says nothing that has the mark.
    let command = Command(shell, ["-l", "-c", #"printf '\n%s%s\n' poddump-path: "$PATH""#])
    do throws(Failure) {
      let bell = try Bell()
      let (found, _) = try await withChild(command, grace: OutputGrace.terminate) {
        (child) async throws(Failure) -> [String] in
        try await onOwnThread("login shell", stop: { bell.ring() }) { () throws(Failure) in
          var reader = OutputReader(
            child: child, input: [], consumer: PathReader(), patience: Patience(patience))
          try reader.run(until: bell)
          return reader.consumer.directories
        }
      }
      return found
    } catch {
      return []
    }
  }

  /// The user's shell: what SHELL says, else the password database.
  package static func userShell() -> String? {
    if let shell = environmentValue("SHELL") { return shell }
    guard let entry = getpwuid(getuid()), let shell = entry.pointee.pw_shell else { return nil }
    return String(cString: shell)
  }

  /// Takes the line that has the mark; all else is passed over.
  struct PathReader: OutputConsumer {
    private var text: [UInt8] = []
    private(set) var directories: [String] = []
    private(set) var wantsMore = true

    mutating func consume(_ bytes: UnsafeRawBufferPointer) {
      text.append(contentsOf: bytes)
      while let end = text.firstIndex(of: 0x0a) {
        let line = String(decoding: text[..<end], as: UTF8.self)
        text.removeSubrange(...end)
        guard line.hasPrefix(LoginShell.mark) else { continue }
        directories = line.dropFirst(LoginShell.mark.count).split(separator: ":").map(String.init)
          .filter { $0.hasPrefix("/") && !$0.unicodeScalars.contains { $0.value < 0x20 } }
          .prefix(LoginShell.most).map(\.self)
        wantsMore = false
        return
      }
      // No PATH has a line as long as this.
      if text.count > 64 << 10 { text.removeAll() }
    }
  }
}
