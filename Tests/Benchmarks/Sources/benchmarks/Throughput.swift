import Foundation

/// A big pcap served at the far end in place of tcpdump: `poddump capture` beside a plain
/// `kubectl exec … cat` of the same file, in pairs.
func benchmarkThroughput(_ board: Scoreboard) throws {
  let pod = "shop/web"
  let megabytes = 512
  try placeCapture(megabytes: megabytes, in: pod)
  defer { _ = try? inPod(pod, "rm -f /big.pcap /usr/local/bin/tcpdump") }

  let size = try Int(inPod(pod, "stat -c %s /big.pcap").split(separator: "\n").first ?? "") ?? 0
  guard size > megabytes << 20 else { throw Failed("the capture is too small: \(size)") }
  let plain = [Setting.kubectl, "exec", "-n", "shop", "web", "--", "cat", "/big.pcap"]
  let capture = [Setting.poddump, "capture", pod, "-q", "-w", "-"]

  var ratios: [Double] = []
  var rates: [Double] = []
  var peak = 0
  for round in 0..<8 {
    let a = try Command.transfer(plain)
    let b = try Command.transfer(capture)
    guard a.bytes == size, b.bytes == size else {
      throw Failed("a transfer was cut: \(a.bytes) and \(b.bytes) of \(size) bytes")
    }
    if round == 0 { continue }
    ratios.append(a.seconds / b.seconds)
    rates.append(Double(size) / a.seconds / 1e6)
    peak = max(peak, b.peak)
  }
  let spread = Spread(ratios)
  board.row(
    "exec of a \(megabytes) MiB pcap / kubectl exec cat", "\(number(spread.median)) x",
    limit: ">= 0.95 x", holds: spread.median >= 0.95)
  board.note(
    "median of \(ratios.count) pairs (\(number(spread.sorted[0]))–\(number(spread.sorted[spread.sorted.count - 1]))), from first byte to last; "
      + "kubectl exec \(number(Spread(rates).median, 0)) MB/s")
  board.row(
    "  poddump's own memory", "\(number(Double(peak) / 1e6, 1)) MB", limit: "40 MB",
    holds: peak <= 40_000_000)
}

/// Puts a pcap of 1,000-byte packets into a container, and a program named tcpdump that prints it.
private func placeCapture(megabytes: Int, in pod: String) throws {
  var block: [UInt8] = []
  for index in 0..<1024 {
    block += little(1_700_000_000) + little(UInt32(index)) + little(1000) + little(1000)
    block += [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1000)
  }
  let header =
    little(0xa1b2_c3d4) + [2, 0, 4, 0] + little(0) + little(0) + little(262_144) + little(1)
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(filePath: Setting.lab)
  process.arguments = [
    "exec-in", pod, "sh", "-c",
    "cat >/big.pcap && mkdir -p /usr/local/bin && printf '#!/bin/sh\\nexec cat /big.pcap\\n' >/usr/local/bin/tcpdump && chmod 755 /usr/local/bin/tcpdump",
  ]
  process.standardInput = pipe
  try process.run()
  let writer = pipe.fileHandleForWriting
  try writer.write(contentsOf: header)
  for _ in 0..<(megabytes + megabytes / 32 + 1) { try writer.write(contentsOf: block) }
  try writer.close()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw Failed("cannot place the capture in \(pod)") }
}

func little(_ value: UInt32) -> [UInt8] {
  [UInt8(value & 255), UInt8(value >> 8 & 255), UInt8(value >> 16 & 255), UInt8(value >> 24)]
}

func inPod(_ pod: String, _ script: String) throws -> String {
  try Command.output([Setting.lab, "exec-in", pod, "sh", "-c", script])
}
