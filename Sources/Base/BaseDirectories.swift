/// The user's folders by the XDG Base Directory Specification 0.8: what a variable names, else one in the home
/// folder. Relative paths count for nothing, as it says; nil where there is no home.
package enum BaseDirectories {
  /// `$XDG_CONFIG_HOME` or `~/.config`.
  package static func configuration(_ variable: (String) -> String? = environmentValue) -> String? {
    folder(variable, "XDG_CONFIG_HOME", ".config")
  }

  /// `$XDG_DATA_HOME` or `~/.local/share`.
  package static func data(_ variable: (String) -> String? = environmentValue) -> String? {
    folder(variable, "XDG_DATA_HOME", ".local/share")
  }

  /// `$XDG_STATE_HOME` or `~/.local/state`.
  package static func state(_ variable: (String) -> String? = environmentValue) -> String? {
    folder(variable, "XDG_STATE_HOME", ".local/state")
  }

  private static func folder(
    _ variable: (String) -> String?, _ name: String, _ inHome: String
  ) -> String? {
    [variable(name), variable("HOME").map { "\($0)/\(inHome)" }].compactMap(\.self)
      .first { $0.hasPrefix("/") }
  }
}
