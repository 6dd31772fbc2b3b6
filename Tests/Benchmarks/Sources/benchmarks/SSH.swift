import Foundation

/// Route ssh beside the plain ssh client and Wireshark's own sshdump: a big pcap served on the node in place
/// of tcpdump, in pairs; and the time from the command to the first packet header.
func benchmarkSSH(_ board: Scoreboard) throws {
  let login = try Login()
  try benchmarkStart(board, login)
  try benchmarkLatency(board, "ssh", login.onLaptop([Setting.extcap]))
  try benchmarkSSHThroughput(board, login)
}

private func onNode(_ script: String) throws -> String {
  try Command.output([Setting.lab, "in", "n1", "bash", "-c", script])
}

private func capture(_ login: Login, _ engine: String) -> [String] {
  login.onLaptop([Setting.poddump, "capture", "shop/web", "-q", "-w", "-"], engine: engine)
}

// MARK: - Throughput

private func benchmarkSSHThroughput(_ board: Scoreboard, _ login: Login) throws {
  let size = try placeCapture()
  defer { _ = try? onNode("rm -rf /bench /root/.bashrc") }
  let plain = login.ssh([], "tcpdump")
  let gcm = login.ssh(["-c", "aes128-gcm@openssh.com"], "tcpdump")
  let fifo = login.folder + "/fifo"
  guard mkfifo(fifo, 0o600) == 0 else { throw Failed("mkfifo") }
  let sshdump = login.onLaptop([
    "/usr/lib/x86_64-linux-gnu/wireshark/extcap/sshdump", "--capture", "--extcap-interface",
    "sshdump", "--fifo", fifo, "--remote-host", Login.address, "--remote-username", "root",
    "--sshkey", login.key, "--remote-capture-command", "tcpdump",
  ])

  struct Pairs {
    var rate: [Double] = []
    var cpu: [Double] = []
  }
  var libssh2 = Pairs()
  var openssh = Pairs()
  var aes = Pairs()
  var peak = (libssh2: 0, openssh: 0)
  for round in 0..<8 {
    let a = try Command.transfer(plain)
    let b = try Command.transfer(capture(login, "libssh2"))
    let c = try Command.transfer(gcm)
    let d = try Command.transfer(capture(login, "openssh"))
    let e = try Command.transfer(sshdump, from: fifo)
    for (name, run) in [("ssh", a), ("libssh2", b), ("gcm", c), ("openssh", d), ("sshdump", e)] {
      guard run.bytes == size else {
        throw Failed("a transfer by \(name) was cut: \(run.bytes) of \(size) bytes")
      }
    }
    if round == 0 { continue }
    libssh2.rate.append(a.seconds / b.seconds)
    libssh2.cpu.append(b.cpu / e.cpu)
    openssh.rate.append(c.seconds / d.seconds)
    aes.rate.append(a.seconds / d.seconds)
    peak.libssh2 = max(peak.libssh2, b.peak)
    peak.openssh = max(peak.openssh, d.peak)
  }
  func row(_ what: String, _ values: [Double], atLeast limit: Double) {
    let spread = Spread(values)
    board.row(
      what, "\(number(spread.median)) x", limit: ">= \(number(limit)) x",
      holds: spread.median >= limit)
    board.note("median of \(values.count) pairs, \(spread.sorted.map { number($0) })")
  }
  row("libssh2 / ssh with its defaults, throughput", libssh2.rate, atLeast: 0.6)
  let cpu = Spread(libssh2.cpu)
  board.row(
    "libssh2 / sshdump, the client's CPU", "\(number(cpu.median)) x", limit: "<= 0.75 x",
    holds: cpu.median <= 0.75)
  board.note("median of \(libssh2.cpu.count) pairs, \(cpu.sorted.map { number($0) })")
  row("the OpenSSH engine / ssh with the same cipher, throughput", openssh.rate, atLeast: 0.95)
  row("the OpenSSH engine / ssh with its defaults, throughput", aes.rate, atLeast: 1.15)
  let most = max(peak.libssh2, peak.openssh)
  board.row(
    "  poddump's own memory", "\(number(Double(most) / 1e6, 1)) MB", limit: "40 MB",
    holds: most <= 40_000_000)
}

/// Puts a pcap of 1,000-byte packets onto the node, and a program named tcpdump before the real one on root's
/// PATH that prints it: a gigabyte, of a file that fits into the node's memory.
private func placeCapture() throws -> Int {
  var block: [UInt8] = []
  for index in 0..<1024 {
    block += little(1_700_000_000) + little(UInt32(index)) + little(1000) + little(1000)
    block += [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1000)
  }
  let header =
    little(0xa1b2_c3d4) + [2, 0, 4, 0] + little(0) + little(0) + little(262_144) + little(1)
  let (blocks, times) = (64, 16)
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(filePath: Setting.lab)
  process.arguments = [
    "in", "n1", "bash", "-c",
    """
    mkdir -p /bench && cd /bench && head -c 24 >head && cat >body &&
    echo 'PATH=/bench:$PATH' >/root/.bashrc &&
    printf '#!/bin/sh\\n[ "$1" = --version ] || exec cat /bench/head\(String(repeating: " /bench/body", count: times))\\n' >tcpdump &&
    chmod 755 tcpdump
    """,
  ]
  process.standardInput = pipe
  try process.run()
  let writer = pipe.fileHandleForWriting
  try writer.write(contentsOf: header)
  for _ in 0..<blocks { try writer.write(contentsOf: block) }
  try writer.close()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw Failed("cannot place the capture") }
  return header.count + block.count * blocks * times
}

// MARK: - The start

/// From the command to the first bytes of the capture, beside `ssh NODE true`.
private func benchmarkStart(_ board: Scoreboard, _ login: Login) throws {
  var differences: [Double] = []
  var plain: [Double] = []
  var ours: [Double] = []
  for round in 0..<10 {
    let a = try Command.measure(login.ssh([], "true"))
    guard a.status == 0 else { throw Failed("ssh to the node does not work") }
    let b = try Command.untilFirstByte(capture(login, "libssh2"))
    if round == 0 { continue }
    plain.append(a.seconds)
    ours.append(b)
    differences.append(b - 1.5 * a.seconds)
  }
  let spread = Spread(differences)
  board.row(
    "first packet header by ssh, beyond 1.5 x ssh NODE true",
    "\(number(spread.median * 1000, 0)) ms", limit: "<= 200 ms", holds: spread.median <= 0.2)
  board.note(
    "median of \(differences.count) pairs; ssh NODE true \(number(Spread(plain).median * 1000, 0)) ms, "
      + "poddump \(number(Spread(ours).median * 1000, 0)) ms")
}
