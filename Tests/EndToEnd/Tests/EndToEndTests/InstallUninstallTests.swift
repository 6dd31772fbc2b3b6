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
      #expect(first.output.contains("tshark -D shows poddump and "))
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

    @Test func withoutAHomeItSaysSo() throws {
      let run = try scratch.poddump(["install"], environment: ["HOME": nil])
      #expect(run.status == 1)
      Golden.expect(run.errors, "Install", "no home", scratch: scratch)
    }
  }
}
