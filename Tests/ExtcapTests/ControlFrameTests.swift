import Testing

@testable import Extcap

/// The toolbar's protocol, as bytes.
struct ControlFrameTests {
  @Test(
    arguments: [
      (ControlFrame(.initialized), [0x54, 0, 0, 2, 0, 0]),
      (ControlFrame(.set, control: 2), [0x54, 0, 0, 2, 2, 1]),
      (ControlFrame(.set, control: 1, text: "a·b"), [0x54, 0, 0, 6, 1, 1, 0x61, 0xC2, 0xB7, 0x62]),
      (ControlFrame(.status, text: "x"), [0x54, 0, 0, 3, 0, 6, 0x78]),
      (ControlFrame(.disable, control: 255), [0x54, 0, 0, 2, 255, 5]),
    ] as [(ControlFrame, [UInt8])])
  func isWrittenAsTheProtocolHasIt(frame: ControlFrame, bytes: [UInt8]) {
    #expect(frame.bytes == bytes)
  }

  @Test func noFrameIsLongerThanWhatAPipeTakesInOnePiece() {
    let long = ControlFrame(.set, payload: Array(repeating: 0x61, count: 100_000))
    #expect(long.bytes.count == 512)
    #expect(long.bytes[1...3] == [0x00, 0x01, 0xFC])
    for count in 500...512 {
      // Two bytes each: none may be cut through the middle.
      let text = ControlFrame(.status, text: String(repeating: "·", count: count / 2) + "é·")
      #expect(text.bytes.count <= 512)
      #expect(String(validating: text.payload, as: UTF8.self) != nil)
    }
  }

  @Test func aTextIsPrintable() {
    let frame = ControlFrame(.status, text: " a\nb\u{1b}[2J\u{202e}{c}\0 ")
    #expect(String(decoding: frame.payload, as: UTF8.self) == "a b�[2J�{c}�")
  }

  @Test func aLongLogLineTakesSeveralFrames() {
    let text = String(repeating: "0123456789·", count: 300)
    let frames = ControlFrame.log(text, control: 1)
    #expect(frames.count == 4)
    #expect(frames.allSatisfy { $0.command == .add && $0.control == 1 && $0.bytes.count <= 512 })
    let whole = String(decoding: frames.flatMap(\.payload), as: UTF8.self)
    #expect(whole.hasSuffix("\n") && text.hasPrefix(whole.dropLast()))
    #expect(
      ControlFrame.log("", control: 1) == [ControlFrame(.add, control: 1, payload: [0x0A])])
  }

  // MARK: - Taking apart

  private static let pressed = ControlFrame(.set, control: 2)
  private static let typed = ControlFrame(.set, control: 0, text: "hello")

  /// What is passed over: bytes, and why.
  static let skipped: [(String, [UInt8])] = [
    ("nothing", []),
    ("another first byte", [0x51, 0, 0, 0]),
    ("another first byte with a body", [0x4C, 0, 0, 3, 1, 1, 1]),
    ("no room for number and command", [0x54, 0, 0, 1, 2]),
    ("an empty frame", [0x54, 0, 0, 0]),
    ("an unknown command", [0x54, 0, 0, 2, 2, 99]),
    ("an unknown command with a payload", [0x54, 0, 0, 5, 2, 10, 1, 2, 3]),
    ("a payload too long", [0x54, 0, 0x10, 0] + Array(repeating: 7, count: 0x1000)),
  ]

  @Test(arguments: skipped, [1, 2, 3, 5, 4096])
  func whatIsUnknownIsPassedOver(_ case: (why: String, bytes: [UInt8]), pieces: Int) {
    let stream = Self.pressed.bytes + `case`.bytes + Self.typed.bytes + `case`.bytes
    var parser = ControlParser()
    var frames: [ControlFrame] = []
    var rest = stream[...]
    while !rest.isEmpty {
      frames += parser.take(rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
    }
    #expect(frames == [Self.pressed, Self.typed], "\(`case`.why)")
  }

  /// Frames, foreign ones among them, cut anywhere, come out as they went in.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func anyPiecesGiveTheSameFrames(seed: UInt64) throws {
    var chance = SeededGenerator(state: seed)
    var sent: [ControlFrame] = []
    var stream: [UInt8] = []
    for _ in 0..<200 {
      if let foreign = Self.skipped.randomElement(using: &chance), Bool.random(using: &chance) {
        stream += foreign.1
        continue
      }
      let payload = (0..<Int.random(in: 0...300, using: &chance)).map { _ in
        UInt8.random(in: 0...255, using: &chance)
      }
      let frame = ControlFrame(
        try #require(ControlFrame.Command.allCases.randomElement(using: &chance)),
        control: .random(in: 0...255, using: &chance), payload: payload)
      sent.append(frame)
      stream += frame.bytes
    }
    var parser = ControlParser()
    var got: [ControlFrame] = []
    var rest = stream[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...700, using: &chance))
      got += parser.take(piece)
      rest = rest.dropFirst(piece.count)
    }
    #expect(got == sent)
  }

  /// Garbage does no harm, is never kept, and a frame that lies about its length ends where it says.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func garbageIsBounded(seed: UInt64) {
    var chance = SeededGenerator(state: seed)
    var parser = ControlParser()
    for _ in 0..<500 {
      let piece = (0..<Int.random(in: 0...400, using: &chance)).map { _ in
        // Many marks and small lengths, so that frames are met.
        Bool.random(using: &chance)
          ? [0x54, 0, 0, 2][Int.random(in: 0...3, using: &chance)]
          : UInt8.random(in: 0...255, using: &chance)
      }
      for frame in parser.take(piece) {
        #expect(frame.payload.count <= ControlParser.longestKept)
      }
      #expect(MemoryLayout.size(ofValue: parser) < 100)
      #expect(parser.kept <= ControlParser.longestKept + 6)
    }
  }
}

/// The toolbar that the listing declares, and what it says.
struct ToolbarTests {
  @Test func isDeclaredWithTheListing() throws {
    var lint = try WiresharkLint(Reply.interfaces([]))
    try lint.checkInterfaces()
    #expect(lint.problems == [])
    let controls = lint.lines.filter { $0.keyword == "control" }
    #expect(controls.map { $0.parameters["number"] } == ["0", "1", "2", "3"])
    #expect(controls.map { $0.parameters["type"] } == ["string", "button", "button", "button"])
    // Wireshark opens its logger by itself; a Help button of its own sort would not open a file.
    #expect(controls.map { $0.parameters["role"] } == [nil, "logger", nil, nil])
  }

  @Test func everyTextFitsIntoOneFrame() {
    #expect(ToolbarControl.explanation.utf8.count <= ControlFrame.longestPayload)
  }

  /// However long a pod's name and a far end's words are, what to do is not cut off.
  @Test(arguments: [(7, 40), (317, 40), (7, 2000), (317, 2000)])
  func aCutSaysWhatToDo(name: Int, why: Int) {
    let frame = ToolbarText.cut(
      String(repeating: "ä", count: name), why: String(repeating: "ü", count: why))
    let text = String(decoding: frame.payload, as: UTF8.self)
    #expect(frame.command == .warning && frame.payload.count <= ControlFrame.longestPayload)
    #expect(text.contains("ä is captured no more. ü"), "\(text)")
    #expect(
      text.hasSuffix(
        "ü Stop ends the capture. To go on instead, press Restart: View, Interface Toolbars, poddump."
      ))
  }
}
