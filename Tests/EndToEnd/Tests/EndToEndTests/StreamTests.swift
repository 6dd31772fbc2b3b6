import Foundation
import Testing

extension InLab {
  /// What is in the stream beside packets: names, counters, remarks.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct StreamTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.waitUntilListed("pod:shop/web")
    }

    /// Whether tshark shows a name, resolving by nothing but the file.
    private func shows(_ name: String, in file: String) throws -> Bool {
      let run = try Program.run(["/usr/bin/env", "tshark", "-N", "n", "-r", file])
      #expect(run.status == 0, "\(run.errors)")
      return run.output.contains(name)
    }

    @Test func theFirstPacketHasANameAlready() throws {
      let run = try folder.tshark(["-i", "pod:shop/web", "-f", "icmp or tcp", "-N", "n", "-c", "1"])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("web.shop"), "\(run.output)")
      #expect(try !run.output.contains(lab.address("web")), "\(run.output)")
    }

    @Test func peersHaveNamesToo() throws {
      let run = try folder.tshark(["-i", "pod:shop/web", "-f", "icmp", "-N", "n", "-c", "6"])
      #expect(run.status == 0, "\(run.errors)")
      // Somebody else pings it all the time.
      #expect(run.output.contains("client.shop → web.shop"), "\(run.output)")
      #expect(run.output.contains("web.shop → client.shop"), "\(run.output)")
    }

    /// A pod that begins while somebody else is captured has its name too, also after the watch was cut.
    @Test(arguments: [false, true]) func aPodThatBeginsMeanwhileHasItsName(isCut: Bool) throws {
      let gone = try #require(lab.replicas.first)
      let file = folder.path + "/meanwhile.pcapng"
      var environment: [String: String?] = folder.environment
      environment["PODDUMP_TEST"] = folder.path
      let program = try Program(
        [Lab.poddump, "capture", "shop/bb", "-f", "icmp", "-w", file], environment: environment)
      #expect(program.wait(30) { program.errors.contains("Capturing from") }, "\(program.errors)")
      if isCut {
        var watch: LocalProcess? {
          LocalProcess.all(marked: "PODDUMP_TEST=\(folder.path)").first {
            $0.name == "kubectl" && $0.arguments.contains { $0.contains("watch=true") }
          }
        }
        #expect(program.wait(20) { watch != nil })
        kill(try #require(watch).pid, SIGKILL)
      }
      try Lab.run("replace", "shop/" + gone)
      let after = try Inventory.load()
      let successor = try #require(after.replicas.first { !lab.replicas.contains($0) })
      let pinging = try Pinging(from: "bb", after.address(successor), for: 120)
      defer { pinging.end() }
      // Where it is watched at once; else with the next list, which is made after a minute.
      #expect(
        program.wait(isCut ? 75 : 10) { (try? shows(successor + ".shop", in: file)) == true },
        "\(successor)")
      kill(program.pid, SIGINT)
      #expect(program.finish(within: 15).status == 0)
    }

    @Test func everyFileOfARingHasNames() throws {
      let flood = try Pinging(from: "bb", lab.address("web"), isFlood: true)
      defer { flood.end() }
      let end = try folder.tshark([
        "-i", "pod:shop/web", "-f", "icmp", "-b", "filesize:100", "-c", "1000", "-w",
        folder.path + "/x.pcapng",
      ])
      #expect(end.status == 0, "\(end.errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("x_") }.sorted().map { folder.path + "/" + $0 }
      #expect(files.count > 10, "\(files)")
      for file in files {
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        // The last was begun a moment ago.
        guard file != files.last || size > 40_000 else { continue }
        #expect(try shows("web.shop", in: file), "\(file)")
      }
    }

    @Test func ourOwnRingsFilesHaveNames() throws {
      let flood = try Pinging(from: "bb", lab.address("web"), isFlood: true)
      defer { flood.end() }
      let end = try Program.run(
        [
          Lab.poddump, "capture", "shop/web", "-f", "icmp", "--count", "500", "--ring", "50:100kB",
          "-w", folder.path + "/own.pcapng",
        ], environment: folder.environment)
      #expect(end.status == 0, "\(end.errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("own_") }.map { folder.path + "/" + $0 }
      #expect(files.count > 5, "\(files)")
      for file in files { #expect(try shows("web.shop", in: file), "\(file)") }
    }

    @Test(arguments: ["tcpdump", "tap"]) func countersComeWhileItCaptures(
      _ engine: String
    ) throws {
      let file = folder.path + "/\(engine).pcapng"
      let pinging = try Pinging(from: "bb", lab.address("web"))
      defer { pinging.end() }
      let end = try Program.run(
        [
          Lab.poddump, "capture", "shop/web", "-f", "icmp", "--route",
          engine == "tap" ? "upload" : "exec", "--engine", engine, "--duration", "14s", "-w", file,
        ], environment: folder.environment)
      #expect(end.status == 0, "\(end.errors)")
      let words = try PacketFile(file).information()
      let line = words.split(separator: "\n").first { $0.contains("Number of stat entries") }
      let count = line?.split(separator: "=").last.flatMap {
        Int($0.trimmingCharacters(in: .whitespaces))
      }
      #expect(count ?? 0 >= 2, "\(words)")
    }

    /// Classic pcap has no place for names, and nobody is asked for them.
    @Test func onlyPcapngAsksForNames() throws {
      let real = try Program.run(["/bin/sh", "-c", "command -v kubectl"]).output
        .trimmingCharacters(in: .newlines)
      let path = try #require(ProcessInfo.processInfo.environment["PATH"])
      for format in ["pcap", "pcapng"] {
        let log = folder.path + "/calls.\(format)"
        let bin = folder.path + "/bin-\(format)"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        let script = "#!/bin/sh\necho \"$*\" >>'\(log)'\nexec '\(real)' \"$@\"\n"
        let kubectl = try folder.write(script, to: "bin-\(format)/kubectl")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: kubectl)
        let end = try Program.run(
          [
            Lab.poddump, "capture", "shop/web", "--route", "exec", "--count", "3", "-w",
            folder.path + "/x.\(format)",
          ], environment: folder.environment.merging(["PATH": "\(bin):\(path)"]) { _, own in own })
        #expect(end.status == 0, "\(end.errors)")
        let calls = try String(contentsOfFile: log, encoding: .utf8)
        #expect(calls.contains("exec -i"), "\(calls)")
        for resource in ["pods?", "services?", "nodes?"] {
          #expect(
            calls.contains("/api/v1/\(resource)limit=") == (format == "pcapng"), "\(calls)")
        }
      }
    }

    /// A tcpdump that is stopped for a while loses packets; the stream says so while it goes on.
    @Test func lostPacketsAreSaidWhereTheyWereLost() throws {
      let flood = try Pinging(from: "bb", lab.address("web"), isFlood: true)
      defer { flood.end() }
      let filter = "icmp and greater 1001"
      let file = folder.path + "/x.pcapng"
      let program = try Program(
        [Lab.poddump, "capture", "shop/web", "-f", filter, "--route", "exec", "-w", file],
        environment: folder.environment)
      let size = { () -> Int in
        (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int ?? 0
      }
      try #require(program.wait(20) { size() > 100_000 }, "\(program.errors)")
      let there = try #require(
        LocalProcess.all { $0.name == "tcpdump" && $0.arguments.last == filter }.first)
      kill(there.pid, SIGSTOP)
      sleep(4)
      kill(there.pid, SIGCONT)
      // What it has lost it says at one of the next heartbeats.
      let lost = { () -> String in
        let run = try? Program.run([
          "/usr/bin/env", "tshark", "-r", file, "-T", "fields", "-e", "frame.comment", "-Y",
          "frame.comment",
        ])
        return run?.output ?? ""
      }
      #expect(program.wait(20) { lost().contains("packets were lost before this one (kernel)") })
      kill(program.process.processIdentifier, SIGINT)
      let end = program.finish()
      #expect(end.status == 0, "\(end.errors)")
      let dropped = end.errors.split(separator: ";").last?.split(separator: " ").first
      #expect(dropped.flatMap { Int($0) } ?? 0 > 0, "\(end.errors)")
      let comments = lost().split(separator: "\n").compactMap {
        $0.split(separator: " ").first.flatMap { Int($0) }
      }
      #expect(comments.reduce(0, +) == dropped.flatMap { Int($0) }, "\(comments) \(end.errors)")
      #expect(try PacketFile(file).drops() == dropped.flatMap { UInt64($0) })
    }
  }
}
