import Foundation
import Testing

/// A packet file, as the real tshark and capinfos read it.
struct PacketFile {
  let path: String

  init(_ path: String) { self.path = path }

  /// Takes what was written to standard output.
  init(_ bytes: Data, in folder: Folder) throws {
    path = "\(folder.path)/\(folder.nextNumber()).pcap"
    try bytes.write(to: URL(filePath: path))
  }

  /// The packets, each as the values of these fields. A file that is not whole to its last packet is an
  /// issue.
  func packets(
    _ fields: String..., filter: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [[String]] {
    var words = ["/usr/bin/env", "tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|"]
    for field in fields { words += ["-e", field] }
    if let filter { words += ["-Y", filter] }
    let run = try Program.run(words)
    let complaints = run.errors.split(separator: "\n").filter { !$0.contains("Running as user") }
    #expect(
      run.status == 0 && complaints.isEmpty, "\(path): \(run.status) \(run.errors)",
      sourceLocation: sourceLocation)
    return run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
      $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The packets of a file that is still written, whose last one may not be whole.
  func packetsSoFar(_ fields: String...) throws -> [[String]] {
    var words = ["/usr/bin/env", "tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|"]
    for field in fields { words += ["-e", field] }
    return try Program.run(words).output.split(separator: "\n").map {
      $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// Everything that capinfos says.
  func information() throws -> String {
    try Program.run(["/usr/bin/env", "capinfos", "-M", path]).output
  }

  /// Whether the far end's counters are in the file: at least those of the end, whatever came before.
  func hasCounters() throws -> Bool {
    try information().contains(/Number of stat entries = [1-9]/)
  }

  /// The packets that the kernel dropped, as the last statistics block of each interface says (isb_ifdrop of the
  /// pcapng specification, little-endian); of all interfaces together.
  func drops() throws -> UInt64 {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    func number(_ offset: Int, _ length: Int) -> UInt64 {
      (0..<length).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
    var drops: [UInt64: UInt64] = [:]
    var block = 0
    while block + 12 <= bytes.count {
      let length = Int(number(block + 4, 4))
      try #require(length >= 12 && block + length <= bytes.count)
      var option = block + 20
      // An interface statistics block is of type 5, and so is the option.
      while number(block, 4) == 5, option + 4 <= block + length - 4 {
        let size = Int(number(option + 2, 2))
        if number(option, 2) == 5, size == 8 { drops[number(block + 8, 4)] = number(option + 4, 8) }
        option += 4 + (size + 3) / 4 * 4
      }
      block += length
    }
    return drops.values.reduce(0, +)
  }

  /// Expects so many packets, every IP packet from or to the address.
  func expectPackets(
    _ count: Int? = nil, of address: String, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let packets = try packets(
      "eth.type", "ip.src", "ip.dst", "arp.src.proto_ipv4", sourceLocation: sourceLocation)
    #expect(
      packets.count == count ?? packets.count && packets.count > 0, "\(comment)",
      sourceLocation: sourceLocation)
    for packet in packets where packet[3].isEmpty {
      #expect(
        // An ICMP error quotes a packet, whose addresses come after a comma.
        packet[1...2].contains { $0.split(separator: ",").contains(Substring(address)) },
        "\(comment): \(packet)", sourceLocation: sourceLocation)
    }
  }
}
