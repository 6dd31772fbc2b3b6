import Foundation
import Testing

@testable import Extcap

/// The built poddump-extcap, started as Wireshark starts it.
struct ThinProgramTests {
  /// Writes down its arguments, one line, and says what it was asked.
  private static let echo = """
    printf '%s\\n' "$*" >>"$LOG"
    echo "sibling $$"
    """

  @Test func answersFromTheCacheAlone() throws {
    let thin = try ThinProgram(sibling: Self.echo)
    try thin.fillCache()
    let view = try #require(try thin.cache.view(kubeconfigVariable: ""))
    let list = String(decoding: Reply.interfaces(view.listings), as: UTF8.self)
    for arguments in [
      ["--extcap-interfaces"], ["--extcap-interfaces", "--extcap-version=4.0"],
      ["--extcap-version", "4.6", "--extcap-interfaces", "--extcap-new=1"],
    ] {
      let outcome = try ThinProgram.run(thin.program, arguments, thin.environment)
      #expect(outcome == Outcome(status: 0, output: list, errors: ""))
    }
    let portal = try thin.run("--extcap-config", "--extcap-interface", "poddump")
    #expect(
      portal
        == Outcome(
          status: 0,
          output: String(
            decoding: Reply.portal(view, for: WiresharkVersion(major: 4, minor: 0)), as: UTF8.self),
          errors: ""))
    let pod = try thin.run("--extcap-config", "--extcap-interface", "pod:shop/web-1")
    #expect(pod.output.contains("{value=istio-proxy}"))
    #expect(pod.status == 0 && pod.errors == "")
    let unlisted = try thin.run("--extcap-interface=pod:shop/unknown", "--extcap-config")
    #expect(unlisted.status == 0 && unlisted.output.contains("--container"))
    let dlts = try thin.run("--extcap-dlts", "--extcap-interface", "pod:shop/web-1")
    #expect(
      dlts
        == Outcome(status: 0, output: "dlt {number=1}{name=EN10MB}{display=Ethernet}\n", errors: "")
    )
    #expect(!FileManager.default.fileExists(atPath: thin.log))
  }

  @Test(arguments: ["--extcap-config", "--extcap-dlts"])
  func anInterfaceThatIsNoneOfOursHasNoAnswer(question: String) throws {
    let thin = try ThinProgram()
    let outcome = try thin.run(question, "--extcap-interface", "eth0")
    #expect(outcome == Outcome(status: 1, output: "", errors: ""))
  }

  @Test func helpVersionAndMistakes() throws {
    let thin = try ThinProgram()
    for arguments in [[], ["--help"]] as [[String]] {
      let outcome = try ThinProgram.run(thin.program, arguments, thin.environment)
      #expect(outcome == Outcome(status: 0, output: Reply.help, errors: ""))
    }
    #expect(try thin.run("--version").output == "poddump-extcap \(programVersion)\n")
    #expect(
      try thin.run("--extcap-interfaces", "--frobnicate")
        == Outcome(status: 2, output: "", errors: "There is no option --frobnicate.\n"))
  }

  @Test(
    arguments: [
      ["--extcap-interfaces", "--extcap-version=4.0"],
      ["--extcap-capture-filter", "tcp port 80", "--extcap-interface", "pod:shop/web-0"],
      ["--extcap-config", "--extcap-interface", "poddump", "--extcap-reload-option", "pod"],
      ["--capture", "--extcap-interface", "pod:a/b", "--fifo", "/nowhere", "--remote-host", "x"],
      ["--extcap-cleanup-postkill"],
    ])
  func handsTheRestToPoddump(arguments: [String]) throws {
    let thin = try ThinProgram(sibling: "echo $$; pwd; for word; do echo \"$word\"; done; exit 7")
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: thin.program)
    process.arguments = arguments
    process.environment = thin.environment
    process.currentDirectoryURL = URL(filePath: "/proc")
    process.standardOutput = output
    try process.run()
    let text = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    // The same process, so that Wireshark's signals and our exit status arrive.
    let wanted = ["\(process.processIdentifier)", "/proc", "extcap"] + arguments
    #expect(text == wanted.joined(separator: "\n") + "\n")
    #expect(process.terminationStatus == 7)
  }

  @Test func argumentsArriveByteForByte() throws {
    let thin = try ThinProgram(sibling: "for word; do printf '%s\\n' \"$word\"; done | od -An -tx1")
    let outcome = try thin.shell("\"$E\" --capture --fifo \"$(printf '/tmp/\\377x')\"")
    let hex = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(hex.hasSuffix("2f 74 6d 70 2f ff 78 0a"))
  }

  @Test func findsItsSibling() throws {
    let thin = try ThinProgram(sibling: "echo beside")
    // Wireshark starts it through a link in a folder of its own.
    try FileManager.default.createDirectory(
      atPath: thin.folder("extcap"), withIntermediateDirectories: true)
    let link = thin.folder("extcap/poddump-extcap")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: thin.program)
    let linked = try ThinProgram.run(link, ["--extcap-interfaces"], thin.environment)
    #expect(linked.output == "beside\n")
    // Copied there, it goes by the PATH.
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.copyItem(atPath: thin.program, toPath: link)
    thin.environment["PATH"] = "\(thin.folder("none")):\(thin.folder("bin"))"
    let copied = try ThinProgram.run(link, ["--extcap-interfaces"], thin.environment)
    #expect(copied.output == "beside\n")
    // A relative part of the PATH could be anybody's.
    thin.environment["PATH"] = "bin:."
    let deep = thin.folder("a/b/c/poddump-extcap")
    try FileManager.default.createDirectory(
      atPath: thin.folder("a/b/c"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: thin.program, toPath: deep)
    let relative = try ThinProgram.run(
      deep, ["--extcap-interfaces"], thin.environment, in: thin.folder.path)
    #expect(relative == Outcome(status: 0, output: Self.portalAlone, errors: ""))
    // Installed as packages do, with the program in bin and us in lib.
    try FileManager.default.createDirectory(
      atPath: thin.folder("lib/poddump"), withIntermediateDirectories: true)
    let packaged = thin.folder("lib/poddump/poddump-extcap")
    try FileManager.default.copyItem(atPath: thin.program, toPath: packaged)
    let found = try ThinProgram.run(packaged, ["--extcap-interfaces"], thin.environment)
    #expect(found.output == "beside\n")
    // A folder of that name is no program.
    try FileManager.default.removeItem(atPath: thin.folder("bin/poddump"))
    try FileManager.default.createDirectory(
      atPath: thin.folder("bin/poddump"), withIntermediateDirectories: true)
    let none = try thin.run("--extcap-interfaces")
    #expect(none == Outcome(status: 0, output: Self.portalAlone, errors: ""))
  }

  private static let portalAlone = String(decoding: Reply.interfaces([]), as: UTF8.self)

  @Test func withoutPoddump() throws {
    let thin = try ThinProgram()
    let interfaces = try thin.run("--extcap-interfaces")
    #expect(interfaces == Outcome(status: 0, output: Self.portalAlone, errors: ""))
    #expect(try thin.run("--extcap-cleanup-postkill") == Outcome(status: 0, output: "", errors: ""))
    let filter = try thin.run("--extcap-capture-filter", "tcp", "--extcap-interface", "poddump")
    #expect(filter.status == 1 && filter.output == "" && filter.errors.contains("not found"))
    let reload = try thin.run(
      "--extcap-config", "--extcap-interface", "poddump", "--extcap-reload-option", "pod", "--pod",
      "a/b")
    #expect(reload.status == 0 && reload.errors == "")
    #expect(reload.output.contains("{value=a/b}") && reload.output.contains("not found"))
  }

  @Test func withoutPoddumpACaptureOpensItsFIFOAndSaysOneSentence() throws {
    let thin = try ThinProgram()
    let fifo = thin.folder("fifo")
    mkfifo(fifo, 0o600)
    // The reader comes late and must see the end of the stream.
    let outcome = try thin.shell(
      """
      (sleep 0.3; cat '\(fifo)' >'\(fifo).read'; echo end >>'\(fifo).read') &
      "$E" --capture --extcap-interface pod:shop/web-0 --fifo '\(fifo)'
      status=$?
      wait
      cat '\(fifo).read'
      exit $status
      """)
    #expect(outcome.status == 1 && outcome.output == "end\n")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    for path in [thin.folder("missing"), thin.program, "/"] {
      let outcome = try thin.run("--capture", "--extcap-interface", "pod:a/b", "--fifo", path)
      #expect(outcome.status == 1 && outcome.errors.split(separator: "\n").count == 1)
    }
    let none = try thin.run("--capture")
    #expect(none.status == 1 && none.errors.split(separator: "\n").count == 1)
  }

  @Test func aStaleCacheIsPrintedAtOnceAndRefreshedByADetachedChild() throws {
    let thin = try ThinProgram(
      sibling: """
        links=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)
        {
          echo "$*"
          echo "$links"
          ls /proc/$$/fd | tr '\\n' ' '; echo
          cut -d' ' -f6 /proc/$$/stat
          echo $$
        } >"$LOG.part"
        sleep 2
        mv "$LOG.part" "$LOG"
        """)
    try thin.fillCache(written: Int64(Date().timeIntervalSince1970) - 3600)
    let start = Date()
    // A reader of a pipe sees the end only when nobody holds the other end; descriptor 7 is a leak.
    let outcome = try thin.shell("exec 7>/dev/zero; \"$E\" --extcap-interfaces 2>&1 | cat")
    #expect(Date().timeIntervalSince(start) < 1.5)
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.split(separator: "\n").count == 9)
    let lines = try thin.logged(lines: 7)
    #expect(lines.prefix(4) == ["extcap --refresh", "/dev/null", "/dev/null", "/dev/null"])
    #expect(!(lines.dropFirst(4).first ?? "7").split(separator: " ").contains("7"))
    // A session of its own: its leader is the child.
    #expect(lines.dropFirst(5).first == lines.dropFirst(6).first)
  }

  @Test func oneRefreshForManyStarts() throws {
    let thin = try ThinProgram(sibling: Self.echo)
    try thin.fillCache(written: 1000)
    for _ in 0..<5 { #expect(try thin.run("--extcap-interfaces").status == 0) }
    #expect(try thin.logged(lines: 2) == ["extcap --refresh"])
    for interface in ["poddump", "pod:shop/web-0"] {
      _ = try thin.run("--extcap-config", "--extcap-interface", interface)
      _ = try thin.run("--extcap-dlts", "--extcap-interface", interface)
    }
    #expect(try thin.logged(lines: 1) == ["extcap --refresh"])
  }

  @Test func noRefreshWhileOneIsAtIt() throws {
    let thin = try ThinProgram(sibling: Self.echo)
    try thin.fillCache(written: 1000)
    let lock = RefreshLock(try thin.cache)
    #expect(try thin.run("--extcap-interfaces").status == 0)
    usleep(300_000)
    #expect(!FileManager.default.fileExists(atPath: thin.log))
    switch lock {
    case .none: Issue.record("no lock")
    case .some: break
    }
  }

  @Test func notesWhatItHasPrinted() throws {
    let thin = try ThinProgram()
    thin.environment["KUBECONFIG"] = "/some/where"
    try thin.fillCache()
    let value = try #require(InterfaceValue("pod:shop/web-0"))
    #expect(try thin.run("--extcap-interfaces").output.contains("pod:shop/web-0"))
    let cache = try thin.cache
    try cache.write(
      Shown(written: 1, kubeconfig: Kubeconfig(files: []), contexts: ["other"]),
      kubeconfigVariable: "/some/where")
    #expect(cache.findShown(value, kubeconfigVariable: "/some/where")?.context == "staging")
  }

  /// What Wireshark may leave us with: no environment, no input, a folder that is nobody's.
  @Test func aBareEnvironment() throws {
    let thin = try ThinProgram(sibling: Self.echo)
    try thin.fillCache()
    let list = try thin.run("--extcap-interfaces").output
    for line in [
      "exec \"$E\" --extcap-interfaces <&-", "exec \"$E\" --extcap-interfaces 2>&-",
      "exec env -i HOME=\"$HOME\" \"$E\" --extcap-interfaces",
      "exec env -i HOME=\"$HOME\" PATH= \"$E\" --extcap-interfaces <&- 2>&-",
    ] {
      let outcome = try thin.shell(line, in: "/proc")
      #expect(outcome == Outcome(status: 0, output: list, errors: ""), "\(line)")
    }
    let closed = try thin.shell("\"$E\" --extcap-interfaces >&-", in: "/proc")
    #expect(closed.output == "" && closed.errors == "")
    // Nothing of ours was written over because a file took the place of standard output.
    #expect(try thin.run("--extcap-interfaces").output == list)
    let homeless = try thin.shell(
      "exec env -i LOG=\"$LOG\" \"$E\" --extcap-interfaces", in: "/proc")
    #expect(homeless.status == 0 && homeless.output.hasPrefix("sibling "))
    let config = try thin.shell("exec env -i \"$E\" --extcap-config --extcap-interface poddump")
    #expect(config.status == 0 && config.errors == "" && config.output.contains("--pod"))
  }

  @Test func aCorruptCacheIsNone() throws {
    let thin = try ThinProgram(sibling: Self.echo)
    try thin.fillCache()
    let folder = try thin.cache.folder
    for name in try FileManager.default.contentsOfDirectory(atPath: folder)
    where name.hasPrefix("listing-") {
      var bytes = try Data(contentsOf: URL(filePath: folder + "/" + name))
      bytes[120] ^= 1
      try bytes.write(to: URL(filePath: folder + "/" + name))
    }
    #expect(try thin.run("--extcap-interfaces").output.hasPrefix("sibling "))
    let config = try thin.run("--extcap-config", "--extcap-interface", "poddump")
    #expect(config.status == 0 && config.output.contains("--pod"))
  }
}
