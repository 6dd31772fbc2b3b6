import Base
import TestSupport
import Testing

@testable import Broker

/// Which binaries are taken for engines, and for which machines.
@Suite struct EngineFileTests {
  /// An ELF header (elf(5)): class, data, type and machine count.
  static func elf(
    _ machine: UInt16, bits: Int = 64, isLittle: Bool = true, type: UInt16 = 2
  ) -> [UInt8] {
    func half(_ value: UInt16) -> [UInt8] {
      let bytes = [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
      return isLittle ? bytes : bytes.reversed()
    }
    return [0x7F, 0x45, 0x4C, 0x46, bits == 64 ? 2 : 1, isLittle ? 1 : 2, 1]
      + [UInt8](repeating: 0, count: 9) + half(type) + half(machine)
  }

  @Test(
    arguments: [
      (62, 64, true, "x86_64"), (183, 64, true, "aarch64"), (40, 32, true, "armv7l"),
      (21, 64, true, "ppc64le"), (22, 64, false, "s390x"), (243, 64, true, "riscv64"),
      (3, 32, true, "i686"),
      // The same numbers of another width or byte order are other machines.
      (62, 32, true, nil), (62, 64, false, nil), (21, 64, false, nil), (22, 64, true, nil),
      (243, 32, true, nil), (40, 64, true, nil), (8, 32, false, nil), (0, 64, true, nil),
    ] as [(UInt16, Int, Bool, String?)])
  func machines(_ number: UInt16, _ bits: Int, _ isLittle: Bool, _ machine: String?) {
    #expect(EngineFile.machine(elf: Self.elf(number, bits: bits, isLittle: isLittle)) == machine)
  }

  @Test func onlyProgramsCount() {
    // Position-independent programs have the type of shared objects.
    #expect(EngineFile.machine(elf: Self.elf(62, type: 3)) == "x86_64")
    for type: UInt16 in [0, 1, 4, 0xFE00] {
      #expect(EngineFile.machine(elf: Self.elf(62, type: type)) == nil, "\(type)")
    }
    for count in 0..<20 { #expect(EngineFile.machine(elf: Array(Self.elf(62)[..<count])) == nil) }
    var script = Array("#!/bin/sh\nexec tcpdump \"$@\"\n".utf8)
    #expect(EngineFile.machine(elf: script) == nil)
    script.replaceSubrange(0..<3, with: [0x7F, 0x45, 0x4C])
    #expect(EngineFile.machine(elf: script) == nil)
  }

  @Test func files() throws {
    let scratch = try Scratch()
    let good = try scratch.file("tcpdump", Self.elf(183) + [UInt8](repeating: 7, count: 5000))
    let file = try EngineFile(path: good, isTap: false)
    #expect(file == EngineFile(path: good, machine: "aarch64", size: 5020, isTap: false))
    #expect(file.text == "tcpdump (aarch64, 5 KiB)")
    #expect(try file.bytes() == (try contents(good)))
    let bad = [
      try scratch.file("short", Array(Self.elf(62)[..<19])), try scratch.file("empty"),
      try scratch.text("script", "#!/bin/sh\nexec /usr/sbin/tcpdump \"$@\"\n"), scratch.path,
    ]
    for path in bad {
      let failure = #expect(throws: Failure.self) { try EngineFile(path: path, isTap: false) }
      #expect(failure?.kind == .usage && failure?.why?.hasPrefix("It is no Linux program") == true)
    }
    let missing = #expect(throws: Failure.self) {
      try EngineFile(path: scratch.path + "/none", isTap: false)
    }
    #expect(missing?.why == "The system says: No such file or directory.")
  }

  @Test func aBinaryIsNotEndless() throws {
    let scratch = try Scratch()
    let path = try scratch.file("large", Self.elf(62))
    // A hole: nothing is written.
    let resized = try Spawned([
      Programs.path("truncate"), "-s", String(EngineFile.maximumSize + 1), path,
    ])
    #expect(resized.wait() == .exited(0))
    let failure = #expect(throws: Failure.self) { try EngineFile(path: path, isTap: false) }
    #expect(failure?.why == "It is larger than 32 MiB.")
    let file = EngineFile(path: path, machine: "x86_64", size: 20, isTap: false)
    #expect(throws: Failure.self) { try file.bytes() }
  }

  @Test func theFirstFolderThatHasAnyIsTheOne() throws {
    let scratch = try Scratch()
    for (name, machine) in [
      ("b/tap-x86_64", 62), ("b/tap-aarch64", 183), ("c/tap-riscv64", 243),
    ] as [(String, UInt16)] {
      let folder = scratch.path + "/" + name.prefix { $0 != "/" }
      #expect(try Spawned([Programs.path("mkdir"), "-p", folder]).wait() == .exited(0))
      try scratch.file(name, Self.elf(machine))
    }
    try scratch.text("b/tap-s390x", "no program")
    let folders = ["/no/such", "a", "b", "c"].map {
      $0.hasPrefix("/") ? $0 : scratch.path + "/" + $0
    }
    let engines = Engines.find(in: folders)
    #expect(engines.taps.map(\.machine) == ["x86_64", "aarch64"] && engines.given == nil)
    #expect(engines.taps.allSatisfy { $0.isTap && $0.path.hasPrefix(scratch.path + "/b/") })
    #expect(Engines.find(in: []) == Engines())
    #expect(Engines.find(in: ["/no/such"]) == Engines())
  }

  @Test(
    arguments: [
      ("x86_64", "x86_64"), ("aarch64", "aarch64"), ("armv8l", "armv7l"), ("armv7l", "armv7l"),
      ("i686", nil), ("armv6l", nil), ("mips", nil), ("", nil), (nil, nil),
    ] as [(String?, String?)])
  func theTapForAMachine(_ machine: String?, _ tap: String?) {
    let engines = Engines(
      taps: ["x86_64", "aarch64", "armv7l"].map {
        EngineFile(path: "/opt/tap-\($0)", machine: $0, size: 1, isTap: true)
      })
    #expect((try? engines.file(for: machine, "No."))?.machine == tap)
  }

  @Test func aGivenBinaryIsTheOnlyOne() throws {
    var engines = Engines(taps: [RouteGround.tap])
    engines.given = EngineFile(path: "/opt/t", machine: "i686", size: 1, isTap: false)
    #expect(try engines.file(for: "x86_64", "No.").machine == "i686")
    #expect(throws: Failure.self) { try engines.file(for: "aarch64", "No.") }
  }
}
