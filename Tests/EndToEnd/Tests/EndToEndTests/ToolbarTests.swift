import Foundation
import Testing

extension InLab {
  /// A real capture with the control pipes of Wireshark's window, whose end the test is.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct ToolbarTests {
    let scratch: Scratch

    init() throws {
      scratch = try Scratch()
      try scratch.list()
    }

    /// Every text that was sent by a command, the oldest first.
    private func texts(_ bytes: Data, _ command: UInt8, control: UInt8 = 0) -> [String] {
      var texts: [String] = []
      var rest = bytes[...]
      while rest.count >= 6, rest.first == UInt8(ascii: "T") {
        let head = Array(rest.prefix(6))
        let length = Int(head[1]) << 16 | Int(head[2]) << 8 | Int(head[3])
        if head[4] == control, head[5] == command {
          texts.append(String(decoding: rest.dropFirst(6).prefix(length - 2), as: UTF8.self))
        }
        rest = rest.dropFirst(4 + length)
      }
      #expect(rest.isEmpty, "only whole frames are sent")
      return texts
    }

    @Test func theWindowSeesWhereFromAndHowMuch() throws {
      let packets = try Fifo(scratch)
      let fromUs = try Fifo(scratch)
      let toUs = try Fifo(scratch, isRead: false)
      let run = try Program(
        [Lab.extcap]
          + packets.capture(
            "pod:shop/web", "--extcap-control-in", toUs.path, "--extcap-control-out", fromUs.path),
        environment: scratch.environment, in: scratch.path)
      // The window's own open would wait for this one.
      var pipe: Int32 = -1
      let isOpen = run.wait(10) {
        pipe = open(toUs.path, O_WRONLY | O_NONBLOCK)
        return pipe >= 0
      }
      #expect(isOpen)
      defer { close(pipe) }
      let initialized: [UInt8] = [0x54, 0, 0, 2, 0, 0]
      #expect(write(pipe, initialized, 6) == 6)

      var told = Data()
      var taken = 0
      let counts = /^shop\/web\/eth0 by exec: [1-9][0-9]* packets, .* packets\/s$/
      let isCounting = run.wait(30) {
        taken += packets.bytes.count
        told += fromUs.bytes
        return texts(told, 1).contains { $0.wholeMatch(of: counts) != nil }
      }
      #expect(isCounting, "\(texts(told, 1))")
      #expect(taken > 0)
      #expect(texts(told, 6).contains("Capturing from shop/web/eth0 by exec."), "\(texts(told, 6))")
      #expect(texts(told, 2, control: 1).contains { $0.contains("tcpdump") }, "the log")

      kill(run.pid, SIGTERM)
      let end = run.finish(within: 10)
      #expect(end.status == 0 && end.errors == "")
      told += fromUs.bytes
      #expect(texts(told, 1).last?.contains(" received.") == true, "\(texts(told, 1))")
      scratch.expectQuiet()
    }
  }
}
