import Base
import Foundation
import TestSupport
import Testing

@testable import poddump

/// What install reads and writes, as text.
struct InstallTests {
  // MARK: - Wireshark's folders

  @Test func foldersOfWireshark40() {
    let folders = WiresharkFolders(
      """
      Temp:                	/tmp
      Personal configuration:	/home/u/.config/wireshark
      Global configuration:	/usr/share/wireshark
      Extcap path:         	/usr/lib/x86_64-linux-gnu/wireshark/extcap
      """)
    #expect(folders.personal == ["/home/u/.config/wireshark/extcap"])
    #expect(folders.global == ["/usr/lib/x86_64-linux-gnu/wireshark/extcap"])
  }

  @Test func foldersOfWireshark44() {
    let folders = WiresharkFolders(
      """
      Personal configuration:	/home/u/my config/wireshark
      Personal Extcap path:	/home/u/.local/lib/wireshark/extcap
      Global Extcap path:  	/usr/libexec/wireshark/extcap
      """)
    #expect(folders.personal == ["/home/u/.local/lib/wireshark/extcap"])
    #expect(folders.global == ["/usr/libexec/wireshark/extcap"])
  }

  @Test(arguments: [
    "", "tshark: unknown option", "Personal Extcap path:\trelative", "Extcap path:", ":\n:",
  ])
  func whatIsNoAnswerNamesNoFolder(text: String) {
    #expect(WiresharkFolders(text).personal == [] && WiresharkFolders(text).global == [])
  }

  @Test(arguments: [
    (
      "TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).\n\nCopyright", "4.0.17"
    ),
    ("TShark (Wireshark) 4.4.18.\n", "4.4.18"), ("TShark 4.6.0rc1 (x)", "4.6.0"),
    ("no version", nil), ("", nil),
  ])
  func versions(text: String, version: String?) {
    #expect(WiresharkFolders.version(text) == version)
  }

  // MARK: - The record

  private static let items: [InstallRecord.Item] = [
    .folder("/home/u/.local/lib/wireshark"), .link("/home/a b%/x\n", target: "/opt/ü\t"),
    .file("/home/u/poddump.desktop", hash: "0123456789abcdef"), .choice("/home/u/mimeapps.list"),
  ]

  @Test func theRecordIsReadAsItWasWritten() {
    var record = InstallRecord()
    for item in Self.items + Self.items { record.add(item) }
    #expect(record.items == Self.items)
    #expect(InstallRecord(text: record.text) == record)
    #expect(record.text.split(separator: "\n").count == 5)
  }

  /// Whatever is in the file, only absolute paths of known sorts come out.
  @Test(arguments: 1...10 as ClosedRange<UInt64>) func aBrokenRecordIsPassedOver(seed: UInt64) {
    var chance = SeededGenerator(seed)
    var record = InstallRecord()
    for item in Self.items { record.add(item) }
    for _ in 0..<500 {
      var bytes = Array(record.text.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &chance) {
        let place = Int.random(in: 0..<bytes.count, using: &chance)
        switch Int.random(in: 0..<3, using: &chance) {
        case 0: bytes[place] = .random(in: 0...255, using: &chance)
        case 1: bytes.remove(at: place)
        default: bytes.insert(contentsOf: "folder x\n".utf8, at: place)
        }
      }
      let read = InstallRecord(text: String(decoding: bytes, as: UTF8.self))
      #expect(read.items.allSatisfy { $0.path.hasPrefix("/") } && read.items.count <= 8)
    }
    #expect(InstallRecord(text: "poddump-installed 2\nfolder /x\n").items == [])
  }

  // MARK: - The desktop's choice

  @Test(arguments: [
    ("", "[Default Applications]\nx-scheme-handler/poddump=poddump.desktop\n"),
    (
      "[Default Applications]\ntext/html=a.desktop\n",
      "[Default Applications]\nx-scheme-handler/poddump=poddump.desktop\ntext/html=a.desktop\n"
    ),
    (
      "[Added Associations]\na/b=c.desktop",
      "[Added Associations]\na/b=c.desktop\n[Default Applications]\nx-scheme-handler/poddump=poddump.desktop\n"
    ),
    (
      "[Default Applications]\n[Added Associations]\nx-scheme-handler/poddump=other.desktop\n",
      "[Default Applications]\nx-scheme-handler/poddump=poddump.desktop\n[Added Associations]\nx-scheme-handler/poddump=other.desktop\n"
    ),
  ])
  func theChoiceIsMadeAndTakenBack(before: String, after: String) {
    #expect(LinkChoice.added(to: before) == after)
    #expect(LinkChoice.added(to: after) == nil)
    let back = LinkChoice.removed(from: after)
    #expect(back == before || back == before + "\n", "\(back ?? "nil")")
  }

  @Test(arguments: ["poddump.desktop", "other.desktop", ""]) func aChoiceThatIsThereStays(
    of: String
  ) {
    let text = "# mine\n[Default Applications]\nx-scheme-handler/poddump = \(of)\n"
    #expect(LinkChoice.added(to: text) == nil)
    #expect(LinkChoice.removed(from: text) == nil)
  }

  // MARK: - The desktop entry

  @Test(arguments: [
    ("/usr/bin/poddump", "/usr/bin/poddump"), ("/home/ü/poddump", "/home/ü/poddump"),
    ("/a b/x", "\"/a b/x\""), ("/a\"`$/x", "\"/a\\\\\"\\\\`\\\\$/x\""),
    ("/a\\x", "\"/a\\\\\\\\x\""),
    ("/100%/x", "\"/100%%/x\""), ("/a;b", "\"/a;b\""), ("/a\nb", nil), ("", nil),
  ])
  func aPathIsQuotedForTheDesktop(path: String, word: String?) {
    #expect(DesktopEntry.quoted(path) == word)
  }

  @Test func theEntryIsThatOfThePackage() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("packaging/poddump.desktop").path
    #expect(
      DesktopEntry.text(program: "poddump") == String(decoding: try contents(file), as: UTF8.self))
  }

  // MARK: - What is said

  private static func asked(_ program: String, global: String) -> FoundWireshark {
    FoundWireshark(
      program: program,
      state: .asked(
        WiresharkFolders("Personal Extcap path: /home/u/p\nGlobal Extcap path: \(global)"),
        version: "4.4.18"))
  }

  @Test func whatIsSaidOfEachWireshark() throws {
    let all: [(FoundWireshark, InstallText.Verdict)] = [
      (Self.asked("/usr/bin/tshark", global: "/g"), .shows(pods: 3)),
      (Self.asked("/opt/ws/bin/tshark", global: "/none"), .doesNotShow(interfaces: 7)),
      (Self.asked("/opt/slow/bin/tshark", global: "/g"), .unknown),
      (FoundWireshark(program: "/usr/local/bin/wireshark", state: .withoutTshark), .unknown),
      (
        FoundWireshark(
          program: "/bad/tshark",
          state: .silent(Failure(.other, "/bad/tshark does not answer.", why: "It took 20 s."))),
        .unknown
      ),
      (
        FoundWireshark(
          program: "/var/lib/flatpak/exports/bin/org.wireshark.Wireshark",
          state: .sandboxed(.flatpak)), .never
      ),
      (FoundWireshark(program: "/snap/bin/wireshark", state: .sandboxed(.snap)), .never),
    ]
    let notes = InstallText.notes(
      all.map(\.0), folders: ["/home/u/p", "/home/u/q"],
      others: { $0 == "/home/u/p" ? ["README", "a", "b", "c", "d\u{1b}", "e"] : [] },
      exists: { $0.hasPrefix("/g") })
    let text = all.map { InstallText.line($0.0, $0.1) } + notes.map { "Note: \($0)\n" }
    try Golden().check(text.joined(), "install-wiresharks.txt")
  }
}
