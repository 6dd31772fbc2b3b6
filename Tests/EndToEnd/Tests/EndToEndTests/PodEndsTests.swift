import Foundation
import Testing

extension InLab {
  /// The pod or its container ends while it is captured. `shop/leaving` and `shop/failing` are there to
  /// be ended; for the tests that come after, another of the same name takes its place.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct PodEndsTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// Ends a pod by what `body` does with it.
    private func ending(_ pod: String, _ body: () throws -> Void) throws {
      let ended = Result { try body() }
      try Lab.run("replace", pod)
      try ended.get()
    }

    @Test func thePodIsDeleted() throws {
      try ending("shop/leaving") { try deletePod() }
    }

    private func deletePod() throws {
      let place = Capturing.Place(pod: "shop/leaving", isBusy: true)
      try folder.waitUntilListed("pod:shop/leaving")
      let captures = try Capturing.Way.allCases.flatMap { way in
        try ([nil] + SSHStopsTests.logins).map { try Capturing(way, place, in: folder, by: $0) }
      }
      captures.waitUntilCapturing()
      let deleted = try Program.run([
        "/usr/bin/env", "kubectl", "delete", "pod", "-n", "shop", "leaving",
      ])
      #expect(deleted.status == 0, "\(deleted.errors)")
      for capture in captures {
        let end = capture.program.finish(within: 20)
        if capture.way == .commandLine { #expect(end.status == 1, "\(end)") }
        #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
        #expect(
          end.errors.contains("was deleted") || end.errors.contains("is being deleted"),
          "\(capture.description): \(end.errors)")
        #expect(try !PacketFile(capture.file).packets("frame.number").isEmpty)
        #expect(!capture.isCapturing)
      }
      captures.expectNothingHere()
      let again = try Program.run(
        [Lab.poddump, "capture", "shop/leaving", "-w", "-"], environment: folder.environment)
      #expect(again.status == 5, "\(again.errors)")
    }

    @Test func theContainerIsKilled() throws {
      try ending("shop/failing") { try killContainer() }
    }

    private func killContainer() throws {
      let place = Capturing.Place(pod: "shop/failing", isBusy: true)
      try folder.waitUntilListed("pod:shop/failing")
      let captures = try Capturing.Way.allCases.map { try Capturing($0, place, in: folder) }
      // The pod's network outlives its containers, and a capture from the node with it.
      let outside = try SSHStopsTests.logins.map {
        try Capturing(.commandLine, place, in: folder, by: $0)
      }
      (captures + outside).waitUntilCapturing()
      // As the kernel does it when memory runs out: the first process takes all others with it.
      let first = try #require(Inventory.load().pod("failing").containers.first?.pid)
      kill(first, SIGKILL)
      for capture in captures {
        let end = capture.program.finish(within: 20)
        if capture.way == .commandLine { #expect(end.status == 1, "\(end)") }
        #expect(
          end.errors.contains("killed") || end.errors.contains("restarted or ended"),
          "\(capture.description): \(end.errors)")
        #expect(try !PacketFile(capture.file).packets("frame.number").isEmpty)
        #expect(!capture.isCapturing)
      }
      captures.expectNothingHere()
      let sizes = outside.map(\.size)
      usleep(2_000_000)
      for (capture, size) in zip(outside, sizes) {
        #expect(capture.program.process.isRunning, "\(capture.program.errors)")
        #expect(capture.isCapturing && capture.size > size, "\(capture.description)")
        kill(capture.program.pid, SIGINT)
        let end = capture.program.finish(within: 10)
        #expect(end.status == 0, "\(end.errors)")
        #expect(capture.program.wait(15) { !capture.isCapturing })
      }
      outside.expectNothingHere()
    }
  }
}
