import Foundation
import Testing

extension InLab {
  /// `poddump install` puts one link into each of Wireshark's personal folders, and `uninstall` takes
  /// them away again.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct InstallUninstallTests {
    let scratch: Scratch
    static let folders = [".config/wireshark/extcap", ".local/lib/wireshark/extcap"]

    init() throws { scratch = try Scratch() }

    private func target(_ folder: String) -> String? {
      try? FileManager.default.destinationOfSymbolicLink(
        atPath: "\(scratch.home)/\(folder)/poddump-extcap")
    }

    /// Files, links and folders of Wireshark's in the home.
    private var left: [String] {
      let all = FileManager.default.enumerator(atPath: scratch.home)
      return (all?.compactMap { $0 as? String } ?? []).filter { $0.contains("wireshark") }
        .filter { !$0.hasPrefix(".cache/") }.sorted()
    }

    @Test func installedTwiceAndUndone() throws {
      let first = try scratch.poddump(["install"])
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output.contains("/usr/bin/tshark (4."))
      #expect(first.output.contains("): tshark -D shows poddump and "))
      #expect(!first.output.contains("poddump://"), "nothing of a desktop's is here")
      for folder in Self.folders {
        let link = try #require(target(folder))
        #expect(link.hasPrefix("/") && link.hasSuffix("/poddump-extcap"))
        let names = try FileManager.default.contentsOfDirectory(
          atPath: "\(scratch.home)/\(folder)")
        #expect(names == ["poddump-extcap"])
      }
      let again = try scratch.poddump(["install"])
      #expect(again.status == 0)
      #expect(again.output.ranges(of: "is there already").count == 2)

      let devices = try scratch.run(["/usr/bin/tshark", "-D"])
      #expect(devices.output.contains(" pod:shop/web (shop/web · n1 · lab)"))

      let undone = try scratch.poddump(["uninstall"])
      #expect(undone.status == 0)
      #expect(undone.output.ranges(of: "removed ").count == 2)
      #expect(left == [])
      let nothing = try scratch.poddump(["uninstall"])
      #expect(nothing.status == 0)
      #expect(nothing.output == "poddump is not in Wireshark's personal folders.\n")
      let without = try scratch.run(["/usr/bin/tshark", "-D"])
      #expect(!without.output.contains("poddump"))
      scratch.expectQuiet()
    }

    @Test func whatIsForeignStays() throws {
      // In the second folder: the first must not be changed either.
      let file = try scratch.write("home/\(Self.folders[1])/poddump-extcap", "mine", mode: 0o700)
      let run = try scratch.poddump(["install"])
      #expect(run.status == 1)
      Golden.expect(run.errors, "Install", "a file is in the way", scratch: scratch)
      #expect(target(Self.folders[0]) == nil)
      #expect(FileManager.default.contents(atPath: file) == Data("mine".utf8))

      let undo = try scratch.poddump(["uninstall"])
      #expect(undo.status == 1)
      Golden.expect(undo.errors, "Install", "a file is not removed", scratch: scratch)
      #expect(FileManager.default.contents(atPath: file) == Data("mine".utf8))

      let forced = try scratch.poddump(["install", "--force"])
      #expect(forced.status == 0, "\(forced.errors)")
      #expect(Self.folders.allSatisfy { target($0) != nil })
      scratch.expectQuiet()
    }

    @Test(arguments: ["/bin/true", "/nonexistent"]) func anotherLinkIsNotReplaced(to: String) throws
    {
      let folder = "\(scratch.home)/\(Self.folders[0])"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/poddump-extcap", withDestinationPath: to)
      let run = try scratch.poddump(["install"])
      #expect(run.status == 1)
      Golden.expect(run.errors, "Install", "a link to \(to) is in the way", scratch: scratch)
      #expect(target(Self.folders[0]) == to)
      #expect(try scratch.poddump(["install", "--force"]).status == 0)
      #expect(target(Self.folders[0]) != to)
      scratch.expectQuiet()
    }

    @Test func othersInTheFoldersStay() throws {
      let file = try scratch.write("home/\(Self.folders[0])/other", "#!/bin/sh\n", mode: 0o700)
      #expect(try scratch.poddump(["install"]).status == 0)
      #expect(try scratch.poddump(["uninstall"]).status == 0)
      #expect(FileManager.default.fileExists(atPath: file))
      scratch.expectQuiet()
    }

    /// Another Wireshark, which keeps its extcaps elsewhere and lacks the folder for everybody, and one in
    /// a sandbox.
    @Test func everyWiresharkIsFoundAndAsked() throws {
      let other = "\(scratch.home)/elsewhere/extcap"
      try scratch.write(
        "home/.local/bin/tshark",
        """
        #!/bin/sh
        case "$*" in
        "-G folders") printf 'Personal Extcap path:\\t\(other)\\nGlobal Extcap path:\\t/nonexistent/extcap\\n' ;;
        --version) echo 'TShark (Wireshark) 4.6.0.' ;;
        -D) echo '1. lo (Loopback)' ;;
        esac
        """, mode: 0o700)
      try scratch.write(
        "home/.local/share/flatpak/exports/bin/org.wireshark.Wireshark", "#!/bin/sh\n", mode: 0o700)
      try scratch.write("home/\(Self.folders[1])/README", "#!/bin/sh\n", mode: 0o700)
      let run = try scratch.poddump(["install"])
      #expect(run.status == 1)
      let output = run.output.replacing(/and [0-9]+ pods/, with: "and SOME pods")
        .replacing(/\/usr\/bin\/tshark \([0-9.]+\)/, with: "/usr/bin/tshark (X)")
      Golden.expect(output, "Install", "several Wiresharks", scratch: scratch)
      Golden.expect(run.errors, "Install", "one shows nothing", scratch: scratch)
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(other)/poddump-extcap")
          .hasSuffix("/poddump-extcap"))

      // That Wireshark is gone; what was made for it is undone all the same.
      try FileManager.default.removeItem(atPath: "\(scratch.home)/.local/bin/tshark")
      let undone = try scratch.poddump(["uninstall"])
      #expect(undone.status == 0, "\(undone.errors)")
      Golden.expect(undone.output, "Install", "undone", scratch: scratch)
      #expect(!FileManager.default.fileExists(atPath: "\(scratch.home)/elsewhere"))
      #expect(
        FileManager.default.fileExists(atPath: "\(scratch.home)/\(Self.folders[1])/README"))
      scratch.expectQuiet()
    }

    @Test func aDesktopOpensLinksUntilItIsUndone() throws {
      let applications = "home/.local/share/applications"
      let mine = "[Default Applications]\ntext/html=a.desktop\n"
      let choices = try scratch.write("home/.config/mimeapps.list", mine)
      try scratch.write("\(applications)/mine.desktop", "")
      #expect(try scratch.poddump(["install", "--no-links"]).status == 0)
      #expect(try String(contentsOfFile: choices, encoding: .utf8) == mine)

      let run = try scratch.poddump(["install"], environment: ["XDG_DATA_DIRS": "/nonexistent"])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("poddump:// links open Wireshark, after a question ("))
      let entry = "\(scratch.path)/\(applications)/poddump.desktop"
      let text = try String(contentsOfFile: entry, encoding: .utf8)
      #expect(
        text.contains("\nExec=\(Lab.poddump) open-link %u\n")
          || text.contains("/poddump open-link %u\n"))
      #expect(
        try String(contentsOfFile: choices, encoding: .utf8).contains(
          "\nx-scheme-handler/poddump=poddump.desktop\n"))

      // Who has changed the entry keeps it.
      try (text + "# mine\n").write(toFile: entry, atomically: true, encoding: .utf8)
      let undone = try scratch.poddump(["uninstall"])
      #expect(undone.status == 1)
      Golden.expect(undone.errors, "Install", "a changed entry stays", scratch: scratch)
      #expect(try String(contentsOfFile: choices, encoding: .utf8) == mine)
      try FileManager.default.removeItem(atPath: entry)
      #expect(
        FileManager.default.fileExists(atPath: "\(scratch.path)/\(applications)/mine.desktop"))
      #expect(left == [])

      // Asked for, without a desktop.
      let other = try Scratch()
      #expect(
        try other.poddump(["install", "--links"], environment: ["XDG_DATA_DIRS": "/x"]).status == 0)
      let all = ["\(other.home)/.local/share", "\(other.home)/.config/mimeapps.list"]
      #expect(all.allSatisfy(FileManager.default.fileExists))
      #expect(try other.poddump(["uninstall"]).status == 0)
      #expect(!all.contains(where: FileManager.default.fileExists))
      scratch.expectQuiet()
      other.expectQuiet()
    }

    /// What a link starts is what Wireshark takes: tshark takes the same options, but for -k.
    @Test func aLinkCapturesItsPod() throws {
      try scratch.install()
      try scratch.list()
      let file = "\(scratch.path)/link.pcapng"
      try scratch.write("bin/zenity", "#!/bin/sh\nexit 0\n", mode: 0o700)
      try scratch.write(
        "bin/wireshark", "#!/bin/sh\nshift\nexec /usr/bin/tshark \"$@\" -c 3 -w \(file)\n",
        mode: 0o700)
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      let run = try scratch.poddump(
        ["open-link", "poddump://lab/shop/web"],
        environment: ["PATH": "\(scratch.path)/bin:\(path)", "DISPLAY": ":97"])
      #expect(run.status == 0, "\(run.errors)")
      scratch.expectQuiet(within: 30)
      try PacketFile(file).expectPackets(3, of: Inventory.load().address("web"))
    }

    @Test func withoutAHomeItSaysSo() throws {
      let run = try scratch.poddump(["install"], environment: ["HOME": nil])
      #expect(run.status == 1)
      Golden.expect(run.errors, "Install", "no home", scratch: scratch)
    }
  }
}
