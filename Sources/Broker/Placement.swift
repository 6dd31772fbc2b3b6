internal import Base
internal import SSH

/// An engine that is put where it is to run: a file, and the directories to try.
package struct Placement: Sendable, Equatable {
  /// What is put there.
  package var file: EngineFile
  /// Where, in order; never empty.
  package var directories: [String]
  /// The file's name there: hidden, and recognisably ours.
  package var name: String
  /// The program that writes it.
  package var writer: Writer

  /// How a file gets into a container.
  package enum Writer: Sendable, Equatable {
    /// The shell that captures, and head, through the same connection.
    case head
    /// A shell and cat.
    case cat
    /// A shell and tar.
    case tar
  }

  /// Names one.
  package init(_ file: EngineFile, directories: [String], session: String, writer: Writer) {
    self.file = file
    self.directories = directories
    name = Self.prefix + session
    self.writer = writer
  }

  /// What a shell that takes a file through its own connection needs (`NodeScript.order`).
  static let shellPrograms = ["head", "cat", "chmod"]

  /// What the names of our files begin with; `clean` looks for it.
  package static let prefix = ".poddump-"

  /// The path in one of the directories.
  package func path(in directory: String) -> String {
    directory == "/" ? "/\(name)" : "\(directory)/\(name)"
  }

  /// The path in the first directory, which a plan shows.
  package var path: String { path(in: directories[0]) }

  /// How long putting it there may take in seconds: `kubectl exec` hangs for good if the far end
  /// stops reading.
  static let patience = Duration.seconds(60)
  /// How long nothing may move meanwhile: what connections and pipes hold takes that long on 20 KB/s.
  static let silence = Duration.seconds(10)

  /// What puts the file at `path` there, checks it, and runs it once, which is how a noexec mount or another
  /// architecture shows itself. Its standard input is the file, or the archive.
  ///
  /// The exit status is 69 where it cannot be written or run, 74 where it arrived otherwise than it was sent.
  ///
  /// - Parameters:
  ///   - path: Where it goes.
  ///   - digest: The file's SHA-256 in hexadecimal.
  /// - Returns: What is run there.
  func arguments(path: String, digest: String) -> [String] {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let trial = file.isTap ? "--facts" : "--version"
    return [
      "sh", "-c", Self.script, "poddump", path, directory.isEmpty ? "/" : directory,
      writer == .tar ? "tar" : "cat", digest, String(file.size), trial,
    ]
  }

  /// `$1` path, `$2` directory, `$3` cat or tar, `$4` SHA-256, `$5` size, `$6` the argument of the trial run.
  ///
  /// Whatever is there to check with is used: sha256sum, else wc; the tap says its own digest besides.
  private static let script = """
    f=$1
    umask 077
    no() {
      rm -f "$f" 2>/dev/null || : >"$f"
      exit "$1"
    }
    case $3 in
      cat) cat >"$f" && chmod 700 "$f" ;;
      tar) tar -xf - -C "$2" ;;
    esac || no 69
    if command -v sha256sum >/dev/null; then
      s=$(sha256sum <"$f")
      [ "${s%% *}" = "$4" ] || no 74
    elif command -v wc >/dev/null; then
      [ "$(($(wc -c <"$f")))" = "$5" ] || no 74
    fi
    "$f" "$6" 2>&1 || no 69
    """

  /// What became of a file that was sent to a shell.
  enum Arrival: Sendable, Equatable {
    /// It is what was sent, and runs.
    case whole
    /// It is not what was sent.
    case other
    /// It could not be written or does not run.
    case unusable
  }

  /// Reads what a shell says of the file (`NodeScript.put`): its SHA-256, by the tap itself or by sha256sum, else
  /// its size.
  ///
  /// - Parameters:
  ///   - answer: What it printed.
  ///   - digest: The file's SHA-256 in hexadecimal.
  /// - Returns: What became of it.
  func arrival(_ answer: String, digest: String) -> Arrival {
    func last(_ name: String) -> Substring? {
      answer.split(separator: "\n").last { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
    }
    if let own = last("sha256") { return own == digest ? .whole : .other }
    guard let size = last("size") else { return .unusable }
    return size == String(file.size) ? .whole : .other
  }

  /// What is written to the far end: the file, or an archive of it (ustar, POSIX.1-2017 pax).
  func input(_ bytes: [UInt8]) -> [UInt8] {
    writer == .tar ? Self.archive(name: name, bytes) : bytes
  }

  /// An archive of one file that may be run.
  static func archive(name: String, _ bytes: [UInt8]) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
    }
    func octal(_ value: Int, digits: Int) -> String { zeroPadded(value, digits, radix: 8) }
    put(name, at: 0)
    put(octal(0o700, digits: 7), at: 100)
    put(octal(0, digits: 7), at: 108)
    put(octal(0, digits: 7), at: 116)
    put(octal(bytes.count, digits: 11), at: 124)
    put(octal(0, digits: 11), at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar\u{0}00", at: 257)
    let sum = header.reduce(0) { $0 + Int($1) }
    put(octal(sum, digits: 6) + "\u{0} ", at: 148)
    let padding = (512 - bytes.count % 512) % 512
    return header + bytes + [UInt8](repeating: 0, count: padding + 1024)
  }

  /// Puts the file into the first directory that will have it.
  ///
  /// - Parameters:
  ///   - what: The failure's first sentence.
  ///   - keep: Runs its second parameter and then removes the file of its first, however that ended.
  ///   - put: Puts the bytes with that SHA-256 at a path, and says why they cannot be run from there.
  ///   - body: Gets the path.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when the file can be put nowhere, or what `body` throws.
  func place<R: Sendable>(
    _ what: String, keeping keep: Keeper<R>,
    put: @escaping @Sendable ([UInt8], String, String) async throws(Failure) -> Failure?,
    _ body: @escaping @Sendable (String) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let bytes = try file.bytes()
    guard let digest = sha256(bytes) else {
      throw .fault(what, "libcrypto cannot compute SHA-256.")
    }
    var refusal = Failure.fault(what, "There is no directory to try.")
    for directory in directories {
      let path = path(in: directory)
      let attempt = try await keep(path) { () async throws(Failure) -> Attempt<R> in
        if let failure = try await put(bytes, digest, path) {
          return .refused(failure)
        }
        return .done(try await body(path))
      }
      switch attempt {
      case .done(let result): return result
      case .refused(let failure): refusal = failure
      }
    }
    throw refusal
  }

  /// What came of one directory.
  enum Attempt<R: Sendable>: Sendable {
    case done(R)
    case refused(Failure)
  }

  /// Runs work between the record of a file and its removal.
  typealias Keeper<R: Sendable> =
    @Sendable (String, @escaping @Sendable () async throws(Failure) -> Attempt<R>)
    async throws(Failure) -> Attempt<R>

  /// Writes and tries one path, by a run of its own.
  ///
  /// - Returns: Why it cannot be run from there; nil when it can.
  /// - Throws: `Failure` when another directory would not help.
  func put(
    _ bytes: [UInt8], _ digest: String, at path: String, by transport: any Transport,
    _ what: String
  ) async throws(Failure) -> Failure? {
    func run(_ argv: [String], _ input: [UInt8]) async throws(Failure) -> RemoteRun {
      try await RemoteRun.run(
        argv, input: input, on: transport, within: Self.patience, silence: Self.silence, what)
    }
    let answer = try await run(arguments(path: path, digest: digest), input(bytes))
    let said = printable(answer.errors.isEmpty ? answer.output : answer.errors, limit: 300)
    switch answer.end {
    case .exited(0):
      guard file.isTap else { return nil }
      let own = answer.output.split(separator: "\n").last { $0.hasPrefix("sha256=") }
      guard own.map({ $0.dropFirst(7) == digest }) == true else {
        throw Failure(
          .other, what, why: "What arrived in \(path) is not what was sent.",
          fix: "Try again; see whether the connection or the disk there is at fault.", detail: said)
      }
      return nil
    case .exited(74):
      throw Failure(
        .other, what, why: "What arrived in \(path) is not what was sent.",
        fix: "Try again; see whether the connection or the disk there is full.", detail: said)
    case .exited(137):
      throw Failure(
        .other, what, why: "The program was killed there (exit status 137).",
        fix: "See kubectl describe pod: is the container out of memory?", detail: said)
    case .exited(let code):
      return Failure(
        .noRoute, what,
        why: "A program cannot be put into \(path) and run there (exit status \(code))"
          + (said.isEmpty ? "." : ": \(said.split(whereSeparator: \.isNewline).last ?? "")."),
        fix: "Use another route.", detail: said)
    case .failed(let failure):
      throw failure
    }
  }
}

extension Engines {
  /// Whether one is brought whatever is there: somebody has asked for it.
  func areAsked(by request: CaptureRequest) -> Bool { request.engine == .tap || given != nil }

  /// Where the engine goes that is brought to a shell of ours: there is no tcpdump, or another engine is asked for.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - tools: What is there.
  ///   - session: What the file's name ends with.
  ///   - owner: What has the programs there: "n1", "The image net:1".
  ///   - remedy: What to do where one is missing, the beginning of a sentence.
  ///   - what: The failure's first sentence.
  /// - Returns: The engine, and where to try it.
  /// - Throws: `Failure` when none can be brought, or none may.
  func placement(
    for request: CaptureRequest, there tools: ContainerFacts, session: String, owner: String,
    remedy: String, _ what: String
  ) throws(Failure) -> Placement {
    let isAsked = areAsked(by: request)
    guard isAsked || request.engine != .tcpdump else {
      throw Failure(
        .noRoute, what, why: "\(owner) has no tcpdump.",
        fix: "\(remedy), leave --engine out, or use another route.")
    }
    let file: EngineFile
    do throws(Failure) {
      file = try self.file(for: tools.machine, what)
    } catch {
      guard !isAsked else { throw error }
      throw Failure(
        .noRoute, what,
        why: "\(owner) has no tcpdump, and none can be brought: "
          + (error.why.map { $0.prefix(1).lowercased() + $0.dropFirst() } ?? error.what),
        fix: "\(remedy), or use another route.")
    }
    let missing =
      Placement.shellPrograms.first { !tools.programs.contains($0) }.map { "\($0) to take a file" }
      ?? (tools.directories.isEmpty ? "directory where a file can be written and run" : nil)
    if let missing {
      throw Failure(
        .noRoute, what,
        why: isAsked
          ? "No engine can be brought: \(owner.prefix(1).lowercased() + owner.dropFirst()) has no \(missing)."
          : "\(owner) has no tcpdump, and no \(missing).",
        fix: "\(remedy), or use another route.")
    }
    return Placement(file, directories: tools.directories, session: session, writer: .head)
  }
}
