import Foundation
import Testing

/// Captures of five packets each from the pods of the lab, by somebody with a configuration of his own.
struct FivePackets {
  let folder: Folder
  let login: SSHLogin

  /// Plans for pods, several at a time, in the order of the pods.
  func plans(_ pods: [Inventory.Pod], _ options: [String] = []) throws -> [Finished] {
    try run(pods.map { ["plan", $0.target, "-o", "json"] + options })
  }

  /// Captures, several at a time, in their order: a pod and the options for it.
  func captures(_ wanted: [(pod: Inventory.Pod, options: [String])]) throws -> [Finished] {
    try run(
      wanted.map { pod, options in
        // A pod in its node's network is told by its port.
        let filter = pod.isHostNetwork ? pod.port.map { ["-f", "tcp port \($0)"] } ?? [] : []
        return ["capture", pod.target, "--count", "5", "-w", "-"] + filter + options
      })
  }

  /// Runs poddump several times, as many side by side as keep the machine busy. What had no answer in time, as
  /// the machine was too busy, is run again alone.
  private func run(_ all: [[String]], width: Int = 3) throws -> [Finished] {
    var running: [Program] = []
    var ended: [Finished] = []
    for (number, words) in all.enumerated() {
      running.append(try login.start(words, in: folder))
      if number >= width { ended.append(running[number - width].finish(within: 60)) }
    }
    ended += running.suffix(all.count - ended.count).map { $0.finish(within: 60) }
    return try zip(all, ended).map { words, end in
      let isLate = (end.output + end.errors).contains("had no answer for")
      return isLate ? try login.poddump(words, in: folder) : end
    }
  }

  /// Expects five packets, by this route, and the words that say so.
  func expect(
    _ end: Finished, of pod: Inventory.Pod, by route: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let comment = "\(pod.target) by \(route)"
    #expect(end.status == 0, "\(comment): \(end.errors)", sourceLocation: sourceLocation)
    guard end.status == 0 else { return }
    #expect(
      end.errors.contains("Capturing from \(pod.target) (")
        && end.errors.contains(") by \(route).\n"), "\(comment): \(end.errors)",
      sourceLocation: sourceLocation)
    let address = try #require(pod.podIP)
    let file = "\(folder.path)/\(folder.nextNumber()).pcap"
    try end.bytes.write(to: URL(filePath: file))
    let own =
      pod.isHostNetwork ? "host \(address) and tcp port \(pod.port ?? 0)" : "host \(address) or arp"
    for filter in ["", own] {
      // Many files: tshark takes half a second to start, and this a hundredth.
      let read = try Program.run(["/usr/bin/env", "tcpdump", "-n", "-r", file, "--count", filter])
      #expect(
        read.status == 0 && read.output == "5 packets\n",
        "\(comment): \(filter): \(read.output)\(read.errors)", sourceLocation: sourceLocation)
    }
    guard pod.isHostNetwork else { return }
    #expect(
      end.errors.contains("shares its node's network") || route == "ssh" || route == "node",
      "\(comment): \(end.errors)", sourceLocation: sourceLocation)
  }
}

extension Inventory {
  /// The pods that really run, as the lab says.
  var running: [Pod] { pods.filter { $0.isReal && $0.podIP != nil } }
}
