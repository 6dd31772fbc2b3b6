internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Has the user's desktop open `poddump://` links by us: a desktop entry, and the choice of it.
enum LinkInstallation {
  /// Installs both if they are wanted, and says so.
  ///
  /// - Parameters:
  ///   - wanted: Whether the user said so; nil installs them where there is a desktop: its folder of
  ///     the user's own entries.
  ///   - installer: Makes them.
  /// - Throws: `Failure` when one cannot be written.
  static func install(_ wanted: Bool?, with installer: inout Installer) throws(Failure) {
    guard wanted != false, let data = BaseDirectories.data(),
      let settings = BaseDirectories.configuration()
    else { return }
    let folder = "\(data)/applications"
    if let path = systemWide(), wanted == nil {
      Terminal.answer("poddump:// links open Wireshark for everybody here (\(path)).\n")
      return
    }
    guard wanted == true || access(folder, F_OK) == 0 else { return }
    guard let program = ownPath(), let text = DesktopEntry.text(program: program) else {
      throw Failure(
        .other, "Cannot write a desktop entry.",
        why: "The path of this program cannot be written in one.",
        fix: "Install poddump elsewhere, or use --no-links.")
    }
    let path = "\(folder)/\(LinkChoice.entry)"
    if SmallFile.read(path) != text { try installer.file(path, text) }
    try installer.choice(in: "\(settings)/mimeapps.list")
    Terminal.answer("poddump:// links open Wireshark, after a question (\(path)).\n")
  }

  /// The entry that a package has put there for everybody.
  private static func systemWide() -> String? {
    let folders = environmentValue("XDG_DATA_DIRS") ?? "/usr/local/share:/usr/share"
    return folders.split(separator: ":").map { "\($0)/applications/\(LinkChoice.entry)" }
      .first { $0.hasPrefix("/") && access($0, R_OK) == 0 }
  }
}

/// The desktop entry by which the desktop finds us
/// (https://specifications.freedesktop.org/desktop-entry-spec/latest). packaging/poddump.desktop is the same for
/// everybody.
enum DesktopEntry {
  /// The entry for a program; nil if its path cannot be written.
  static func text(program: String) -> String? {
    guard let word = quoted(program) else { return nil }
    return """
      [Desktop Entry]
      Type=Application
      Name=poddump
      Comment=Capture packets from a Kubernetes pod in Wireshark
      Exec=\(word) open-link %u
      Icon=org.wireshark.Wireshark
      NoDisplay=true
      Terminal=false
      MimeType=x-scheme-handler/poddump;

      """
  }

  /// A word of the key Exec: quoted if it must be, and then written as a string, whose backslashes
  /// count once more.
  static func quoted(_ word: String) -> String? {
    guard word.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), !word.isEmpty else { return nil }
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "+"), 0x80...:
        true
      default: false
      }
    }
    if plain { return word }
    var result = "\""
    for scalar in word.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\\\\\"
      case "\"", "`", "$": result += "\\\\\(scalar)"
      case "%": result += "%%"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
