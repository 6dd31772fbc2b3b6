// What Packets costs: conversion with names and statistics, merging, and the names of a large cluster.
// From files in the page cache into a pipe that cat(1) reads. CPU time of this process, user and system, which
// does nothing else meanwhile, so that a busy machine does not count, with the wall time beside it; the best of
// five runs, since what disturbs only ever adds. Exit status 1 if a limit is missed.
import Base
import Broker
import Cluster
import Foundation
import Packets

let failed = Locked(false)

func row(_ what: String, _ value: String, limit: String, holds: Bool) {
  if !holds { failed.value = true }
  let columns = [(what, 58), (value, 34), (limit, 22)].map {
    $0.padding(toLength: $1, withPad: " ", startingAt: 0)
  }
  print(columns.joined(separator: " ") + (holds ? "ok" : "MISSED"))
}

/// Seconds of CPU that this process has used.
func cpuTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A pcap file in the page cache: packets of these lengths in turn, as many as so many bytes hold.
struct PcapFile {
  let path: String
  private(set) var packets = 0
  /// The packets' own bytes, without any header.
  private(set) var bytes = 0

  init(_ name: String, lengths: [Int], size: Int) throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent(
        "packets-benchmark-\(getpid())-\(name)"
      ).path
    var out: [UInt8] = []
    out.reserveCapacity(size)
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
    }
    append(0xA1B2_C3D4 as UInt32)
    append(2 as UInt16)
    append(4 as UInt16)
    append(0 as UInt64)
    append(262_144 as UInt32)
    append(1 as UInt32)
    while out.count < size {
      let length = lengths[packets % lengths.count]
      append(1_700_000_000 + UInt32(packets / 1_000_000))
      append(UInt32(packets % 1_000_000))
      append(UInt32(length))
      append(UInt32(length))
      out.append(contentsOf: repeatElement(UInt8(truncatingIfNeeded: packets), count: length))
      packets += 1
      bytes += length
    }
    try Data(out).write(to: URL(fileURLWithPath: path))
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// What a run took, in seconds.
struct Took {
  var cpu = Double.infinity
  var wall = Double.infinity
}

/// Pumps files into one pcapng stream, each by a pump of its own, with names and counters.
func pumped(_ files: [PcapFile], _ names: NameTable) async throws -> Took {
  ignoreBrokenPipes()
  let pipe = try Base.Pipe()
  let reader = Process()
  reader.executableURL = URL(fileURLWithPath: "/bin/cat")
  reader.standardInput = FileHandle(fileDescriptor: pipe.reader.raw, closeOnDealloc: false)
  reader.standardOutput = FileHandle.nullDevice
  try reader.run()
  pipe.reader.close()
  defer {
    pipe.writer.close()
    reader.waitUntilExit()
  }
  let sink = Sink(pipe.writer, name: "pipe")
  let bell = try Bell()
  sink.setNames(names)
  _ = try sink.begin(PcapngSection(application: "benchmark"), stop: bell)
  let meters = files.map { _ in PumpMeter() }
  let begin = ContinuousClock.now
  let before = cpuTime()
  let counting = Task {
    var drops: UInt64 = 0
    // Fifty times as often as a capture does.
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(200))
      drops += 1
      for meter in meters {
        meter.note(drops: drops)
        meter.note(PcapngStatistics(end: .now, received: 1, droppedByInterface: drops))
      }
    }
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    for (number, (file, meter)) in zip(files, meters).enumerated() {
      group.addTask {
        let source = OwnedFD(open(file.path, O_RDONLY | O_CLOEXEC))
        _ = try await pump(
          from: source, to: sink, as: .pcapng(PcapngInterface(name: "shop/web-\(number)/eth0")),
          meter: meter, stop: bell)
      }
    }
    try await group.waitForAll()
  }
  counting.cancel()
  let took = Took(cpu: cpuTime() - before, wall: (ContinuousClock.now - begin) / .seconds(1))
  precondition(meters.map(\.packets) == files.map(\.packets))
  precondition(sink.bytesWritten > files.map(\.bytes).reduce(0, +))
  try sink.finish()
  return took
}

func best(of runs: Int, _ measure: () async throws -> Took) async throws -> Took {
  var best = Took()
  for _ in 0..<runs {
    let took = try await measure()
    best = Took(cpu: min(best.cpu, took.cpu), wall: min(best.wall, took.wall))
  }
  return best
}

let cluster = (0..<10_000).map { number in
  AddressOwner(
    .pod, namespace: "namespace-\(number % 50)", name: "deployment-7d9f8b6c5d-\(number)",
    addresses: ["10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"])
}
var known = ClusterNames()
known.set(.pod, cluster)
let names = known.table()

do {
  let lengths = [64, 64, 64, 64, 64, 64, 64, 576, 576, 576, 576, 1500]
  let mixed = try PcapFile("mixed", lengths: lengths, size: 512 << 20)
  defer { mixed.remove() }
  let time = try await best(of: 5) { try await pumped([mixed], names) }
  func gigabytes(_ seconds: Double) -> Double { Double(mixed.bytes) / seconds / 1e9 }
  row(
    "pcap to pcapng, \(mixed.bytes / mixed.packets) bytes a packet on average",
    String(format: "%.2f GB/s (wall %.2f)", gigabytes(time.cpu), gigabytes(time.wall)),
    limit: ">= 1.0 GB/s", holds: gigabytes(time.cpu) >= 1)

  func rates(_ what: String, _ files: [PcapFile], limit: Double) async throws {
    let time = try await best(of: 5) { try await pumped(files, names) }
    let packets = Double(files.map(\.packets).reduce(0, +)) / 1e6
    row(
      what,
      String(format: "%.1f M packets/s (wall %.1f)", packets / time.cpu, packets / time.wall),
      limit: ">= \(Int(limit)) M packets/s", holds: packets / time.cpu >= limit)
  }
  let small = try PcapFile("small", lengths: [64], size: 256 << 20)
  defer { small.remove() }
  try await rates("  64-byte packets", [small], limit: 8)
  let eighth = try PcapFile("eighth", lengths: [64], size: 64 << 20)
  defer { eighth.remove() }
  try await rates(
    "8 pods into one stream, 64-byte packets", [PcapFile](repeating: eighth, count: 8), limit: 3)

  var size = 0
  let naming = try await best(of: 5) {
    let sink = try Sink(file: "/dev/null")
    let bell = try Bell()
    _ = try sink.begin(PcapngSection(application: "benchmark"), stop: bell)
    let (begin, before) = (ContinuousClock.now, cpuTime())
    var known = ClusterNames()
    known.set(.pod, cluster)
    sink.setNames(known.table())
    let start = sink.bytesWritten
    let nothing: [UInt8] =
      [6, 0, 0, 0, 32, 0, 0, 0] + [UInt8](repeating: 0, count: 20) + [32, 0, 0, 0]
    _ = try sink.write(nothing.span.bytes, stop: bell)
    size = sink.bytesWritten - start - nothing.count
    return Took(cpu: cpuTime() - before, wall: (ContinuousClock.now - begin) / .seconds(1))
  }
  row(
    "names of \(names.count) addresses, once",
    String(
      format: "%.1f ms (wall %.1f), %.2f MB", naming.cpu * 1000, naming.wall * 1000,
      Double(size) / 1e6),
    limit: "<= 50 ms, 2 MB", holds: naming.cpu <= 0.05 && size <= 2_000_000 && size > 0)
}
exit(failed.value ? 1 : 0)
