/// A message between Wireshark's toolbar and us, as it travels through the control pipes:
/// `T`, the length of the rest in 3 bytes (most significant first), the control's number, the command,
/// the payload (interface_toolbar.cpp of Wireshark 4.0 and 4.4).
package struct ControlFrame: Equatable, Sendable {
  /// What a message wants; raw values are those of the protocol.
  package enum Command: UInt8, Sendable, CaseIterable {
    /// Wireshark has sent every value that was changed.
    case initialized = 0
    /// From Wireshark: the control's value, empty for a button that was pressed. To it: the value, a
    /// button's text, or a log that begins anew.
    case set = 1
    /// More text for a log.
    case add = 2
    /// A selector's value goes.
    case remove = 3
    /// A control can be used.
    case enable = 4
    /// A control cannot be used.
    case disable = 5
    /// A text for the status bar.
    case status = 6
    /// A dialog with a text.
    case information = 7
    case warning = 8
    case error = 9
  }

  /// The control's number; Wireshark ignores it where the command belongs to none.
  package var control: UInt8
  /// What is wanted.
  package var command: Command
  /// The value.
  package var payload: [UInt8]

  /// Creates a message.
  package init(_ command: Command, control: UInt8 = 0, payload: [UInt8] = []) {
    self.control = control
    self.command = command
    self.payload = payload
  }

  /// The most bytes of a frame that we write: what the systems write to a pipe in one piece or not at all
  /// (PIPE_BUF of limits.h(7); 512 on macOS). Wireshark's reader that was given half a frame turns round
  /// and round until the other half comes.
  package static let longest = 512
  /// What then remains for the payload.
  package static let longestPayload = longest - headLength - 2
  /// The first byte and the length.
  static let headLength = 4
  /// The first byte of every frame that concerns the toolbar.
  static let mark = UInt8(ascii: "T")

  /// The frame; a payload that is too long is cut.
  package var bytes: [UInt8] {
    let payload = payload.prefix(Self.longestPayload)
    let length = payload.count + 2
    return [
      Self.mark, UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF),
      control, command.rawValue,
    ] + payload
  }
}

extension ControlFrame {
  /// A message with a text for people: printable, on one line, and cut to what fits.
  package init(_ command: Command, control: UInt8 = 0, text: String) {
    self.init(command, control: control, payload: Self.line(text, limit: Self.longestPayload))
  }

  /// A line for a log, which may take several frames.
  package static func log(_ text: String, control: UInt8) -> [ControlFrame] {
    // Whatever a far end said, a log shows the beginning of it.
    var rest = line(text, limit: 4 * longestPayload - 1)[...]
    rest.append(0x0A)
    var frames: [ControlFrame] = []
    while !rest.isEmpty {
      let piece = wholeCharacters(rest, limit: longestPayload)
      frames.append(ControlFrame(.add, control: control, payload: Array(piece)))
      rest = rest.dropFirst(piece.count)
    }
    return frames
  }

  /// The beginning of a text, on one line, in at most `limit` bytes of UTF-8.
  static func shortened(_ text: String, to limit: Int) -> String {
    String(decoding: line(text, limit: limit), as: UTF8.self)
  }

  private static func line(_ text: String, limit: Int) -> [UInt8] {
    Array(wholeCharacters(Array(Grammar.printable(text).utf8)[...], limit: limit))
  }

  /// The beginning of UTF-8 that has at most `limit` bytes and does not end within a character.
  private static func wholeCharacters(_ bytes: ArraySlice<UInt8>, limit: Int) -> ArraySlice<UInt8> {
    guard bytes.count > limit else { return bytes }
    var end = bytes.startIndex + limit
    while end > bytes.startIndex, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return bytes[..<end]
  }
}

/// Takes apart what comes out of a control pipe, in whatever pieces.
///
/// What we do not know is passed over by its length: another first byte (a newer Wireshark has some), another
/// command, a payload that is longer than any of ours. Memory is bounded whatever comes.
package struct ControlParser: Sendable {
  /// The most bytes of a payload that is kept.
  package static let longestKept = 1024

  /// The frame's first bytes, while it is not known how long it is.
  private var head: [UInt8] = []
  /// How many bytes of the frame are still to come, once that is known.
  private var missing = 0
  /// What is kept of it; nil where it is passed over.
  private var body: [UInt8]?

  /// A parser at the beginning of a frame.
  package init() {}

  /// How many bytes are kept at the moment.
  var kept: Int { head.count + (body?.count ?? 0) }

  /// Takes the next bytes.
  ///
  /// - Parameter bytes: Some bytes.
  /// - Returns: The messages that ended in them and are known.
  package mutating func take(_ bytes: some Collection<UInt8>) -> [ControlFrame] {
    var frames: [ControlFrame] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      if head.count < ControlFrame.headLength {
        head.append(rest.removeFirst())
        guard head.count == ControlFrame.headLength else { continue }
        begin()
      } else {
        let piece = rest.prefix(missing)
        body?.append(contentsOf: piece)
        missing -= piece.count
        rest = rest.dropFirst(piece.count)
      }
      if missing == 0 {
        if let frame = finished { frames.append(frame) }
        head = []
        body = nil
      }
    }
    return frames
  }

  private mutating func begin() {
    missing = head.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    if head[0] == ControlFrame.mark, missing <= Self.longestKept + 2 { body = [] }
  }

  private var finished: ControlFrame? {
    guard let body, body.count >= 2, let command = ControlFrame.Command(rawValue: body[1]) else {
      return nil
    }
    return ControlFrame(command, control: body[0], payload: Array(body[2...]))
  }
}
