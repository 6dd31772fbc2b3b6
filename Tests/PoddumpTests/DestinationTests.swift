import Base
import Foundation
import TestSupport
import Testing

@testable import poddump

@Suite struct DestinationTests {
  private static func choose(
    write: String? = nil, ring: String? = nil, open: Bool = false, terminal: Bool,
    wireshark: String? = nil
  ) throws(Failure) -> Destination {
    try Destination.choose(
      write: write, ring: ring.flatMap { Ring($0) }, open: open, outputIsTerminal: terminal,
      wireshark: { wireshark })
  }

  @Test(arguments: [true, false])
  func aFileIsAFileWhereverOutputGoes(_ terminal: Bool) throws {
    #expect(try Self.choose(write: "a.pcap", terminal: terminal) == .file("a.pcap"))
    #expect(
      try Self.choose(write: "a.pcap", ring: "3:1MB", terminal: terminal)
        == .ring("a.pcap", files: 3, size: 1_000_000))
    #expect(
      try Self.choose(write: "a", terminal: terminal, wireshark: "/bin/wireshark") == .file("a"))
  }

  @Test func aPipeIsTheDefault() throws {
    #expect(try Self.choose(terminal: false) == .standardOutput)
    #expect(try Self.choose(write: "-", terminal: false) == .standardOutput)
    #expect(try Self.choose(terminal: false, wireshark: "/bin/wireshark") == .standardOutput)
  }

  @Test func onATerminalWiresharkIsOpened() throws {
    let wireshark = Destination.wireshark(program: "/bin/wireshark")
    #expect(try Self.choose(terminal: true, wireshark: "/bin/wireshark") == wireshark)
    #expect(try Self.choose(open: true, terminal: true, wireshark: "/bin/wireshark") == wireshark)
    #expect(try Self.choose(open: true, terminal: false, wireshark: "/bin/wireshark") == wireshark)
  }

  @Test func aTerminalNeverGetsPackets() {
    for write in [nil, "-"] {
      let failure = #expect(throws: Failure.self) { try Self.choose(write: write, terminal: true) }
      #expect(failure?.kind == .usage)
    }
    let asked = #expect(throws: Failure.self) {
      try Self.choose(write: "-", terminal: true, wireshark: "/bin/wireshark")
    }
    #expect(asked?.what == "Packets are not written to a terminal.")
  }

  @Test func whatDoesNotGoTogetherIsRefused() {
    let both = #expect(throws: Failure.self) {
      try Self.choose(write: "x", open: true, terminal: true, wireshark: "/bin/wireshark")
    }
    #expect(both?.kind == .usage)
    let ring = #expect(throws: Failure.self) {
      try Self.choose(ring: "3:1MB", open: true, terminal: true, wireshark: "/bin/wireshark")
    }
    #expect(ring?.kind == .usage)
    for write in [nil, "-"] {
      let nameless = #expect(throws: Failure.self) {
        try Self.choose(write: write, ring: "3:1MB", terminal: false)
      }
      #expect(nameless?.what == "--ring needs a file name.")
    }
    let none = #expect(throws: Failure.self) { try Self.choose(open: true, terminal: true) }
    #expect(none?.kind == .other)
  }

  @Test(
    arguments: [
      (Destination.file("a.pcap"), nil, false), (.file("a.pcapng"), nil, true),
      (.file("a"), nil, true),
      (.file("a.pcap"), .pcapng, true), (.file("a.pcapng"), .pcap, false),
      (.ring("a.pcap", files: 1, size: 1), nil, false), (.ring("a", files: 1, size: 1), nil, true),
      (.standardOutput, nil, false), (.standardOutput, .pcapng, true),
      (.wireshark(program: "w"), nil, false), (.wireshark(program: "w"), .pcapng, true),
    ] as [(Destination, FormatChoice?, Bool)])
  func theNameDecidesTheFormatUnlessAsked(
    _ destination: Destination, _ format: FormatChoice?, _ isPcapng: Bool
  ) {
    #expect(destination.isPcapng(format, isSingle: true) == isPcapng)
    // A pipe has classic pcap only where there is one interface; names and wishes count as before.
    let isPipe = destination == .standardOutput || destination == .wireshark(program: "w")
    #expect(
      destination.isPcapng(format, isSingle: false) == (isPcapng || isPipe && format == nil))
  }

  @Test func whatCannotBeWrittenIsFoundOutBefore() throws {
    let scratch = try Scratch()
    let file = try scratch.text("there.pcap", "old")
    for path in [file, scratch.path + "/new.pcap", "new.pcap"] {
      #expect(throws: Never.self) { try Destination.file(path).check() }
    }
    #expect(try scratch.names() == ["there.pcap"])
    #expect(try contents(file) == Array("old".utf8))

    let directory = #expect(throws: Failure.self) { try Destination.file(scratch.path).check() }
    #expect(directory?.why == "It is a directory.")
    for path in ["/no/such/folder/a.pcap", scratch.path + "/new/", file + "/a.pcap"] {
      let failure = #expect(throws: Failure.self) { try Destination.file(path).check() }
      #expect(failure?.what == "Cannot write \(path).")
      let ring = #expect(throws: Failure.self) {
        try Destination.ring(path, files: 2, size: 1000).check()
      }
      #expect(ring?.what == "Cannot write \(path).")
    }
  }
}

@Suite struct RingTests {
  @Test(arguments: [
    ("10:100MB", 10, 100_000_000), ("1:1000", 1, 1000), ("2:1MiB", 2, 1 << 20),
  ])
  func isFilesAndTheirSize(_ text: String, _ files: Int, _ size: Int) throws {
    let ring = try #require(Ring(text))
    #expect(ring.files == files && ring.size == size)
  }

  @Test(arguments: [
    "", ":", "10", "10:", ":1MB", "0:1MB", "-1:1MB", "x:1MB", "2:999", "2:x", "1:2:3", "2:-1MB",
  ])
  func anythingElseIsNone(_ text: String) { #expect(Ring(text) == nil) }
}
