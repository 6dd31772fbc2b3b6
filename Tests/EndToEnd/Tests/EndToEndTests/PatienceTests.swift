import Foundation
import Testing

extension InLab {
  /// Nobody is cut off for being slow, or for having nothing to say.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct PatienceTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// A process's greatest memory so far, in kB (VmHWM in proc_pid_status(5)).
    private func peak(of pid: Int32) throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }

    @Test func aSlowReaderAndAnIdlePodAreWaitedFor() throws {
      let before = try Lab.processes()
      let idle = try Capturing(.commandLine, StopsTests.idle, in: folder)

      // 10 s of more packets than the pipes on the way hold, and nobody reads.
      let pipe = Pipe()
      let slow = try Program(
        [Lab.poddump, "capture", "shop/web", "--throughput", "-w", "-"],
        environment: folder.environment, output: pipe.fileHandleForWriting)
      try pipe.fileHandleForWriting.close()
      let flood = try Program([
        Lab.command, "exec-in", "shop/bb", "timeout", "8", "ping", "-A", "-s", "8000", "-q",
        lab.address("web"),
      ])
      #expect(slow.wait(20) { slow.errors.contains("Capturing from") })
      #expect(idle.program.wait(20) { idle.isCapturing })
      let begin = Date()
      usleep(10_000_000)
      #expect(slow.process.isRunning, "\(slow.errors)")
      #expect(try peak(of: slow.pid) <= 40 * 1024)
      _ = flood.finish(within: 10)

      // Then it reads on, and misses nothing but what was counted as dropped at the far end.
      let file = "\(folder.path)/slow.pcap"
      #expect(FileManager.default.createFile(atPath: file, contents: nil))
      let output = try #require(FileHandle(forWritingAtPath: file))
      let reading = Thread {
        while case let bytes = pipe.fileHandleForReading.availableData, !bytes.isEmpty {
          output.write(bytes)
        }
        try? output.close()
      }
      reading.start()
      usleep(2_000_000)
      #expect(slow.process.isRunning, "\(slow.errors)")
      #expect(try peak(of: slow.pid) <= 40 * 1024)
      kill(slow.pid, SIGINT)
      let end = slow.finish(within: 15)
      #expect(end.status == 0, "\(end.errors)")
      #expect(end.errors.contains(" dropped of "), "\(end.errors)")
      #expect(slow.wait(5) { reading.isFinished })
      try PacketFile(file).expectPackets(of: lab.address("web"))

      // Half a minute without a packet is longer than any silence that is taken for death.
      while Date().timeIntervalSince(begin) < 32 { usleep(100_000) }
      #expect(idle.program.process.isRunning, "\(idle.program.errors)")
      #expect(idle.isCapturing)
      let pinging = try Pinging(from: "bb", lab.address("quiet"), for: 600)
      usleep(1_000_000)
      pinging.end()
      kill(idle.program.pid, SIGINT)
      #expect(idle.program.finish(within: 10).status == 0, "\(idle.program.errors)")
      try Lab.expectNothingLeft(since: before, within: 15)
    }
  }
}
