import Foundation

/// From the kernel's stamp on a packet in the pod to its bytes in Wireshark's FIFO, at 20 packets/s.
func benchmarkLatency(_ board: Scoreboard) throws {
  try benchmarkLatency(board, "exec", [Setting.extcap])
}

/// The same by a route, with the words that start the extcap there.
func benchmarkLatency(_ board: Scoreboard, _ route: String, _ extcap: [String]) throws {
  let folder = NSTemporaryDirectory() + "poddump-bench-\(getpid())"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let fifo = folder + "/fifo"
  guard mkfifo(fifo, 0o600) == 0 else { throw Failed("mkfifo") }

  let sender = Process()
  sender.executableURL = URL(filePath: Setting.lab)
  // 20 packets a second by bash itself; they end with the count.
  sender.arguments = [
    "exec-in", "shop/web", "bash", "-c",
    "for i in {1..700}; do echo x >/dev/udp/198.51.100.12/9; sleep 0.05; done",
  ]
  let capture = Process()
  capture.executableURL = URL(filePath: extcap[0])
  capture.arguments =
    extcap.dropFirst() + [
      "--capture", "--extcap-interface", "pod:shop/web", "--fifo", fifo, "--extcap-capture-filter",
      "udp port 9",
    ]
  capture.standardOutput = FileHandle.nullDevice
  try capture.run()
  defer {
    capture.terminate()
    capture.waitUntilExit()
  }
  let reader = open(fifo, O_RDONLY)
  guard reader >= 0 else { throw Failed("open fifo") }
  defer { close(reader) }
  try sender.run()
  defer {
    sender.terminate()
    sender.waitUntilExit()
  }
  let delays = readDelays(reader, count: 500)
  guard delays.count >= 500 else { throw Failed("only \(delays.count) packets arrived") }
  let spread = Spread(delays)
  board.row(
    "packet on the wire -> bytes in the FIFO by \(route), 20/s, p99",
    "\(number(spread.quantile(0.99), 1)) ms", limit: "60 ms", holds: spread.quantile(0.99) <= 60)
  board.note("\(delays.count) packets, median \(number(spread.median, 1)) ms")
}

/// Reads pcapng blocks and notes, for each packet block, how old it is in milliseconds.
private func readDelays(_ descriptor: Int32, count: Int) -> [Double] {
  var delays: [Double] = []
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  let deadline = Date(timeIntervalSinceNow: 90)
  while delays.count < count, Date() < deadline {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 1000) > 0 else { continue }
    let length = read(descriptor, &buffer, buffer.count)
    guard length > 0 else { break }
    let now = Date().timeIntervalSince1970 * 1000
    bytes += buffer[..<length]
    while bytes.count >= 12 {
      let total = Int(value(bytes, 4))
      guard bytes.count >= total, total >= 12 else { break }
      if value(bytes, 0) == 6 {  // enhanced packet block; microseconds
        let stamp = UInt64(value(bytes, 12)) << 32 | UInt64(value(bytes, 16))
        delays.append(now - Double(stamp) / 1000)
      }
      bytes.removeFirst(total)
    }
  }
  return delays
}

private func value(_ bytes: [UInt8], _ at: Int) -> UInt32 {
  UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
    | UInt32(bytes[at + 3]) << 24
}
