/// Who can be asked for a passphrase.
enum Asking: Equatable {
  /// The program that SSH_ASKPASS names.
  case program(String)
  /// The person at the terminal.
  case terminal
  case nobody

  /// Decides as ssh(1) does (section ENVIRONMENT, SSH_ASKPASS and SSH_ASKPASS_REQUIRE).
  ///
  /// - Parameters:
  ///   - hasTerminal: Whether there is a person at a terminal.
  ///   - environment: The value of an environment variable.
  /// - Returns: Who is asked.
  static func choose(hasTerminal: Bool, environment: (String) -> String?) -> Asking {
    let program = environment("SSH_ASKPASS").map(Asking.program)
    let hasDisplay = environment("DISPLAY") != nil || environment("WAYLAND_DISPLAY") != nil
    switch environment("SSH_ASKPASS_REQUIRE") {
    case "force": return program ?? .nobody
    case "never": return hasTerminal ? .terminal : .nobody
    case "prefer" where hasDisplay && program != nil: return program ?? .nobody
    default:
      if hasTerminal { return .terminal }
      return hasDisplay ? program ?? .nobody : .nobody
    }
  }
}
