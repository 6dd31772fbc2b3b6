internal import Base

/// Where programs are looked for. A Wireshark that was started from the desktop has a minimal PATH that
/// knows neither kubectl nor the login programs that kubectl starts.
package enum KubectlFinder {
  /// The directories of PATH and, behind them, those where package managers put kubectl and its login
  /// programs. Relative entries of PATH are left out: what a foreign directory holds is not run.
  ///
  /// - Parameter environment: Looks a variable up.
  /// - Returns: Absolute paths, each once, in the order to look in.
  package static func directories(_ environment: (String) -> String?) -> [String] {
    let home = environment("HOME") ?? ""
    var all = (environment("PATH") ?? "").split(separator: ":").map(String.init)
    if let krew = environment("KREW_ROOT") { all.append("\(krew)/bin") }
    if !home.isEmpty { all += Self.inHome.map { "\(home)/\($0)" } }
    all += Self.absolute
    var seen: Set<String> = []
    return all.filter { $0.hasPrefix("/") && seen.insert($0).inserted }
  }

  /// The first of the directories that holds a program.
  ///
  /// - Parameters:
  ///   - name: The program's name.
  ///   - directories: Where to look, in this order.
  ///   - isProgram: Whether a path is a program that may be run.
  /// - Returns: The program's path; nil when no directory has it.
  package static func find(
    _ name: String, in directories: [String], isProgram: (String) -> Bool = Base.isProgram
  ) -> String? {
    directories.lazy.map { "\($0)/\(name)" }.first(where: isProgram)
  }

  private static let inHome = [
    "bin", ".local/bin", ".krew/bin",
    ".asdf/shims", ".local/share/mise/shims", ".rd/bin", ".docker/bin", ".orbstack/bin",
    "google-cloud-sdk/bin", ".azure-kubectl", ".azure-kubelogin", ".nix-profile/bin", "go/bin",
  ]

  private static let absolute = [
    "/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/opt/local/bin",
    "/snap/bin", "/usr/bin", "/bin",
    "/opt/homebrew/share/google-cloud-sdk/bin", "/usr/lib/google-cloud-sdk/bin",
    "/Applications/Docker.app/Contents/Resources/bin", "/run/current-system/sw/bin",
    "/nix/var/nix/profiles/default/bin", "/var/lib/rancher/rke2/bin",
  ]
}
