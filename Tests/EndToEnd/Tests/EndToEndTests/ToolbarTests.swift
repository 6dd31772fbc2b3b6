import Foundation
import Testing

/// A capture with the control pipes of Wireshark's window, whose end the test is.
private final class ToolbarPeer {
  let run: Program
  private let packets: Fifo
  private let fromUs: Fifo
  private var pipe: Int32 = -1
  private var told = Data()
  /// The bytes of the stream so far.
  private(set) var taken = 0

  init(_ scratch: Scratch, _ value: String) throws {
    packets = try Fifo(scratch)
    fromUs = try Fifo(scratch)
    let toUs = try Fifo(scratch, isRead: false)
    run = try Program(
      [Lab.extcap]
        + packets.capture(
          value, "--extcap-control-in", toUs.path, "--extcap-control-out", fromUs.path),
      environment: scratch.environment, in: scratch.path)
    // The window's own open would wait for this one.
    var opened: Int32 = -1
    let isOpen = run.wait(10) {
      opened = open(toUs.path, O_WRONLY | O_NONBLOCK)
      return opened >= 0
    }
    pipe = opened
    try #require(isOpen)
    send(control: 0, command: 0)
  }

  deinit { close(pipe) }

  func send(control: UInt8, command: UInt8) {
    let frame: [UInt8] = [0x54, 0, 0, 2, control, command]
    #expect(write(pipe, frame, frame.count) == frame.count)
  }

  /// Every text that was sent by a command, the oldest first.
  func texts(_ command: UInt8, control: UInt8 = 0) -> [String] {
    taken += packets.bytes.count
    told += fromUs.bytes
    var texts: [String] = []
    var rest = told[...]
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

  /// Waits until the status field has said something.
  func waitForStatus(_ seconds: Double = 30, _ matches: (String) -> Bool) -> Bool {
    run.wait(seconds) { texts(1).contains(where: matches) }
  }

  func end() {
    kill(run.pid, SIGTERM)
    let end = run.finish(within: 10)
    #expect(end.status == 0 && end.errors == "", "\(end.errors)")
  }
}

extension InLab {
  /// Wireshark's toolbar while a real capture runs.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct ToolbarTests {
    let scratch: Scratch

    init() throws {
      scratch = try Scratch()
      try scratch.list()
    }

    @Test func theWindowSeesWhereFromAndHowMuch() throws {
      let window = try ToolbarPeer(scratch, "pod:shop/web")
      let counts = /^shop\/web\/eth0 by exec: [1-9][0-9]* packets, .* packets\/s.*$/
      #expect(
        window.waitForStatus { $0.wholeMatch(of: counts) != nil }, "\(window.texts(1))")
      #expect(window.taken > 0)
      let messages = window.texts(6)
      #expect(messages.contains("Capturing from shop/web/eth0 by exec."), "\(messages)")
      #expect(window.texts(2, control: 1).contains { $0.contains("tcpdump") }, "the log")
      window.end()
      #expect(window.texts(1).last?.contains(" received.") == true, "\(window.texts(1))")
      scratch.expectQuiet()
    }

    /// The button stays grey until the pod is gone, and then goes on with its successor.
    @Test func restartGoesOnWithTheSuccessor() throws {
      let window = try ToolbarPeer(scratch, "pod:shop/leaving")
      #expect(
        window.waitForStatus { $0.hasPrefix("shop/leaving/eth0 by ") }, "\(window.texts(1))")
      #expect(window.texts(4, control: 2) == [], "nothing to restart yet")
      window.send(control: 2, command: 1)
      try Lab.run("replace", "shop/leaving")
      #expect(
        window.waitForStatus { $0.contains("captured no more. Restart goes on") },
        "\(window.texts(1))")
      // A dialog, for those who do not see the toolbar.
      #expect(window.run.wait(5) { window.texts(8).count == 1 })
      #expect(
        window.texts(8).first?.hasSuffix("View, Interface Toolbars, poddump.") == true,
        "\(window.texts(8))")
      #expect(window.run.wait(5) { window.texts(4, control: 2).count == 1 })
      let before = window.texts(1).count
      window.send(control: 2, command: 1)
      let goesOn = window.run.wait(40) {
        window.texts(1).dropFirst(before).contains { $0.hasPrefix("shop/leaving/eth0 by ") }
      }
      #expect(goesOn, "\(window.texts(1))")
      #expect(
        window.texts(5, control: 2).count == 2, "grey at first, and again once it was pressed")
      window.end()
      scratch.expectQuiet()
    }
  }
}
