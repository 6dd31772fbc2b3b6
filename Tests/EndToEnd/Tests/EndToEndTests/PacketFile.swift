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
