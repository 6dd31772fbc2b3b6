package import Base

/// kubectl, the one door to the API server: it brings every login plugin, proxy and kubeconfig rule
/// with it. This value says which kubectl and which cluster; every call starts it once.
package struct Kubectl: Sendable, Equatable {
  /// kubectl's absolute path.
  package var executable: String
  /// The kubeconfig context; nil means the current one.
  package var context: String?
  /// The kubeconfig file; nil leaves it to KUBECONFIG and kubectl's default.
  package var kubeconfig: String?
  /// Changes to the environment that kubectl gets, beside PATH.
  package var environment: [String: String?]
  /// Whether a login program may talk to the user.
  ///
  /// kubectl's stdin is never a terminal, which kubectl passes on to login programs, and it runs in a
  /// process group of its own, which may not read from the terminal. That leaves browsers: without
  /// interaction the display is taken out of the environment and BROWSER names a program that does
  /// nothing. A program that opens a window by other means (macOS's `open`) is only bounded by time.
  package var isInteractive: Bool
  /// How long a call may take that does not say otherwise.
  package var patience = Patience.standard

  /// Describes a kubectl; nothing is started.
  package init(
    executable: String, context: String? = nil, kubeconfig: String? = nil,
    environment: [String: String?] = [:], isInteractive: Bool = true
  ) {
    self.executable = executable
    self.context = context
    self.kubeconfig = kubeconfig
    self.environment = environment
    self.isInteractive = isInteractive
  }

  /// Finds the user's kubectl in PATH, then where package managers put it.
  ///
  /// - Throws: `Failure` when there is none.
  package static func find(
    context: String? = nil, kubeconfig: String? = nil, isInteractive: Bool = true
  ) throws(Failure) -> Kubectl {
    let directories = KubectlFinder.directories(environmentValue)
    guard let path = KubectlFinder.find("kubectl", in: directories) else {
      throw Failure(
        .other, "kubectl was not found.",
        why: "Neither PATH nor the usual places hold a program of this name.",
        fix: "Install it (https://kubernetes.io/docs/tasks/tools), or put its directory into PATH.")
    }
    return Kubectl(
      executable: path, context: context, kubeconfig: kubeconfig, isInteractive: isInteractive)
  }

  /// The command line of one call.
  ///
  /// - Parameter arguments: The subcommand and what follows. Values from outside must have been checked
  ///   or joined to their flag by `=`.
  /// - Returns: The command with kubectl's path, the global flags and the environment.
  package func command(_ arguments: [String]) -> Command {
    var global: [String] = []
    if let kubeconfig { global.append("--kubeconfig=\(kubeconfig)") }
    if let context { global.append("--context=\(context)") }
    var environment = environment
    if environment["PATH"] == nil {
      environment["PATH"] = KubectlFinder.directories(environmentValue).joined(separator: ":")
    }
    if !isInteractive {
      for name in ["DISPLAY", "WAYLAND_DISPLAY"] { environment.updateValue(nil, forKey: name) }
      environment["BROWSER"] = "true"
    }
    return Command(executable, global + arguments, environment: environment)
  }

  /// How the cluster is called in messages: " in context lab", or nothing for the current context.
  package var whereText: String {
    context.map { " in context \(printable($0, limit: 100))" } ?? ""
  }

  /// Checks a name before it becomes an argument or part of a URL.
  static func check(_ name: String, isValid: Bool, _ kind: String) throws(Failure) {
    guard !isValid else { return }
    let marks = kind == "container" ? "digits and dashes" : "digits, dashes and dots"
    throw Failure(
      .usage, "\"\(printable(name, limit: 80))\" is no name of a \(kind).",
      why: "Such names have only lower-case letters, \(marks).",
      fix: "poddump list shows the names there are.")
  }
}
