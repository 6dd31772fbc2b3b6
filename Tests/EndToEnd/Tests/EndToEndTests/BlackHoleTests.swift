import Foundation
import Testing

extension InLab {
  /// The connection to the API server breaks while packets flow: without a word (packets lost on the
  /// way), or with one (reset).
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct BlackHoleTests {
    let folder: Folder

    init() throws {
      folder = try Folder()
      try folder.waitUntilListed("pod:shop/web")
    }

    /// The far end's own limit, in seconds, where its shell cannot time its reads.
    static let ttl = 10

    @Test func withoutAWord() throws {
      defer { try? Lab.fault("clear") }
      let bash = Capturing.Place(pod: "shop/web", isBusy: true)
      let idleBash = Capturing.Place(pod: "shop/web", isBusy: false)
      let busybox = Capturing.Place(pod: "shop/busydump", isBusy: false)
      let dash = Capturing.Place(pod: "shop/quiet", isBusy: false)

      // Which of the two it will be is said beforehand.
      for place in [bash, busybox, dash] {
        let plan = try Program.run(
          [Lab.poddump, "plan", place.pod, "--ttl", "\(Self.ttl)s"], environment: folder.environment
        )
        #expect(plan.status == 0, "\(plan.errors)")
        let timed = "20 to 25 s after the connection went dead"
        let untimed = "at the time limit, if the connection goes dead"
        let isTimed = place.pod != dash.pod
        #expect(plan.output.contains(isTimed ? timed : untimed), "\(plan.output)")
        #expect(!plan.output.contains(isTimed ? untimed : timed), "\(plan.output)")
      }

      let before = try Lab.processes()
      let patient = try [
        Capturing(.commandLine, bash, in: folder), Capturing(.commandLine, idleBash, in: folder),
        Capturing(.commandLine, busybox, in: folder), Capturing(.tshark, bash, in: folder),
        Capturing(.tshark, busybox, in: folder),
      ]
      let limited = try Capturing(.commandLine, dash, in: folder, ["--ttl", "\(Self.ttl)s"])
      let stopped = try [
        Capturing(.commandLine, bash, in: folder), Capturing(.commandLine, busybox, in: folder),
        Capturing(.tshark, idleBash, in: folder),
      ]
      let all = patient + [limited] + stopped
      all.waitUntilCapturing()
      let begin = Date()
      try Lab.fault("black-hole", "on")

      // Somebody who gives up does not wait for a network that is not there.
      usleep(500_000)
      let signalled = Date()
      for capture in stopped { kill(capture.program.pid, SIGTERM) }
      for capture in stopped {
        let end = capture.program.finish(within: 10)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
      }
      stopped.expectNothingHere()
      #expect(Date().timeIntervalSince(signalled) <= 3)
      for capture in stopped { #expect(capture.isCapturing, "the connection is not dead") }

      // The others notice by themselves, here and there.
      let cut = limited.program.finish(within: 20)
      #expect(cut.status == 1, "\(cut.errors)")
      #expect(cut.errors.contains("was cut") && cut.errors.contains("time limit"), "\(cut.errors)")
      for capture in patient {
        let end = capture.program.finish(within: 40)
        #expect(Date().timeIntervalSince(begin) <= 30, "\(capture.description)")
        #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
        #expect(end.errors.contains("Nothing was heard"), "\(capture.description): \(end.errors)")
        if capture.way == .commandLine { #expect(end.status == 3, "\(capture.description)") }
        #expect(
          try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
      }
      let timed = patient + stopped
      while timed.contains(where: \.isCapturing), Date().timeIntervalSince(begin) < 31 {
        usleep(100_000)
      }
      for capture in timed { #expect(!capture.isCapturing, "left there: \(capture.description)") }
      // The connection is still dead: nothing but the far ends' own watch can have ended them.
      try Lab.expectNothingLeft(since: before, within: 5)
      #expect(Date().timeIntervalSince(begin) >= 10)
      all.expectNothingHere()
    }

    @Test func withAReset() throws {
      let before = try Lab.processes()
      let captures = try Capturing.Way.allCases.flatMap { way in
        try [StopsTests.busy, StopsTests.idle].map { try Capturing(way, $0, in: folder) }
      }
      captures.waitUntilCapturing()
      try Lab.fault("reset")
      for capture in captures {
        let end = capture.program.finish(within: 15)
        if capture.way == .commandLine {
          #expect(end.status == 3, "\(capture.description): \(end)")
        }
        #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
        #expect(
          try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
      }
      captures.expectNothingHere()
      try Lab.expectNothingLeft(since: before, within: 15)
    }
  }
}
