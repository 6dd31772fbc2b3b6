internal import ArgumentParser
internal import Base
internal import Packets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The command line.
@main
struct Poddump: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "poddump",
    abstract: "Capture packets from Kubernetes pods, in Wireshark and on the command line.",
    discussion: """
      Start with:  poddump list -A
                   poddump capture shop/web -w - | wireshark -k -i -
                   poddump install      (pods in Wireshark's interface list)
      """,
    version: Version.text,
    subcommands: [
      ListCommand.self, CaptureCommand.self, PlanCommand.self, DoctorCommand.self,
      CleanCommand.self, InstallCommand.self, UninstallCommand.self, CompletionsCommand.self,
    ])

  /// Parses and runs; every failure becomes a sentence on standard error and the exit code that its
  /// kind has. Wireshark's calls, the janitor's and those of links skip the command line's parser: they
  /// have a grammar of their own.
  static func main() async {
    // Whoever reads what we print may leave early: `poddump list | head -1`.
    ignoreBrokenPipes()
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.first == "extcap" {
      leave(await ExtcapCommand.run(Array(arguments.dropFirst())))
    }
    if arguments.first == JanitorCommand.name {
      leave(await JanitorCommand.run(Array(arguments.dropFirst())))
    }
    if arguments.first == OpenLinkCommand.name {
      leave(await OpenLinkCommand.run(Array(arguments.dropFirst())))
    }
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let failure as Failure {
      Terminal(
        level: arguments.contains("-v") || arguments.contains("--verbose") ? .verbose : .normal
      )
      .fail(failure)
      leave(failure.kind.rawValue)
    } catch let code as ExitCode {
      leave(code.rawValue)
    } catch {
      let text = fullMessage(for: error)
      if exitCode(for: error).isSuccess {
        Terminal.answer(text + "\n")
        leave(0)
      }
      Terminal(level: .normal).usage(text)
      leave(Failure.Kind.usage.rawValue)
    }
  }
}

/// Ends the process (exit(3)); the parser's own type hides the name.
private func leave(_ code: Int32) -> Never { exit(code) }
