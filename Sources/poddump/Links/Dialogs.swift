internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The ways to ask somebody who may have no terminal in sight: a window where there is a screen, else the
/// terminal.
struct Dialogs: Sendable {
  /// A program that shows a window, and how it is told.
  struct Program: Sendable {
    var name: String
    /// The arguments that ask a question.
    var ask: @Sendable (String) -> [String]
    /// The exit status that means yes, and those that mean no; any other says that nobody was asked.
    var yes: Int32
    var no: [Int32]
    /// The arguments that tell something.
    var tell: @Sendable (String) -> [String]
  }

  enum Answer: Sendable, Equatable { case yes, no, unasked }

  /// How long a question waits for its answer.
  private static let patience = Duration.seconds(300)

  /// What could be installed.
  static var names: String { programs.map(\.name).joined(separator: ", ") }

  private let windows: [(path: String, program: Program)]

  init() {
    guard Self.hasScreen else {
      windows = []
      return
    }
    let folders = (environmentValue("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
      .split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    windows = Self.programs.compactMap { program in
      KubectlFinder.find(program.name, in: folders).map { ($0, program) }
    }
  }

  /// Asks.
  ///
  /// - Parameter question: Printable text.
  /// - Returns: The answer.
  func ask(_ question: String) async -> Answer {
    for (path, program) in windows {
      switch await run(path, program.ask(question)) {
      case .exited(program.yes)?: return .yes
      case .exited(let status)? where program.no.contains(status): return .no
      default: continue
      }
    }
    // A browser hands the terminal that it was started from on to us, in the background.
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1,
      tcgetpgrp(STDIN_FILENO) == getpgrp()
    else { return .unasked }
    Terminal(level: .normal).prompt(question + " [y/N] ")
    let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
    return answer == "y" || answer == "yes" ? .yes : .no
  }

  /// Tells something to somebody who does not see our standard error.
  func tell(_ text: String) async {
    for (path, program) in windows {
      if await run(path, program.tell(text))?.isSuccess == true { return }
    }
  }

  /// Runs a program until it is answered, or nobody answers; nil if it cannot be started.
  private func run(_ path: String, _ arguments: [String]) async -> ChildStatus? {
    let run = try? await withChild(Command(path, arguments), grace: Self.patience) {
      child throws(Failure) in
      child.input.close()
    }
    return run?.1
  }
}
