import Foundation
import Testing

extension InLab {
  /// Whoever takes part in a capture is killed (SIGKILL): nothing is left on the nodes or here.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct KillsTests {
    let folder: Folder

    init() throws {
      folder = try Folder()
      try folder.waitUntilListed("pod:shop/web")
    }

    /// Whom to kill, and what tells of it afterwards.
    enum Victim: String, CaseIterable {
      case poddump, kubectl, tshark, dumpcap

      var ways: [Capturing.Way] {
        switch self {
        case .poddump, .kubectl: Capturing.Way.allCases
        case .tshark, .dumpcap: [.tshark]
        }
      }
    }

    @Test(arguments: Victim.allCases)
    func nothingIsLeft(after victim: Victim) throws {
      let pods = Set(StopsTests.places.map(\.pod))
      let files = try pods.map { ($0, try Lab.files($0)) }
      let before = try Lab.processes()
      let captures = try victim.ways.flatMap { way in
        try StopsTests.places.map { try Capturing(way, $0, in: folder) }
      }
      captures.waitUntilCapturing()
      for capture in captures { try capture.send(SIGKILL, to: victim.rawValue) }
      try Lab.expectNothingLeft(since: before, within: 15, "\(victim)")
      captures.expectNothingHere()
      for (pod, earlier) in files {
        #expect(try Lab.files(pod).subtracting(earlier).isEmpty, "files left in \(pod)")
      }
      for capture in captures {
        let end = capture.program.finish(within: 10)
        switch (victim, capture.way) {
        case (.poddump, .commandLine), (.tshark, .tshark):
          #expect(end.signal == SIGKILL, "\(capture.description): \(end)")
        case (.kubectl, .commandLine):
          // A capture that was cut says so, and what had come by then is there.
          #expect(end.status != 0 && end.signal == nil, "\(capture.description): \(end)")
          #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
          #expect(
            try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
        case (.kubectl, .tshark):
          #expect(end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)")
          #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
          #expect(
            try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
        case (.dumpcap, _):
          // The reader is gone: for the extcap an ordinary end.
          #expect(!end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)")
        default:
          break
        }
      }
    }
  }
}
