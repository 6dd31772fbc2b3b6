import Base
import Foundation
import Packets
import Testing

/// Writes all bytes into a pipe from another thread, then closes it.
func feed(_ bytes: [UInt8], in pieces: [Int] = []) throws -> OwnedFD {
  let pipe = try Base.Pipe()
  DispatchQueue(label: "feed").async {
    ignoreBrokenPipes()
    let handle = FileHandle(fileDescriptor: pipe.writer.raw, closeOnDealloc: false)
    try? handle.write(contentsOf: Data(bytes))
    pipe.writer.close()
  }
  return pipe.reader
}

@Suite struct PumpTests {
  @Test func pcapPassesUntouched() async throws {
    let scratch = try Scratch()
    let builder = PcapBuilder()
    let stream = builder.header + (0..<1000).flatMap { builder.record(frame($0)) }
    let sink = try Sink(file: scratch.path + "/out.pcap")
    let meter = PumpMeter()
    let end = try await pump(
      from: feed(stream), to: sink, as: .pcap, meter: meter, stop: Bell())
    try sink.finish()
    #expect(end == .sourceEnded(complete: true))
    #expect(meter.packets == 1000)
    #expect(try contents(scratch.path + "/out.pcap") == stream)
  }

  @Test func pcapngIsReadByTshark() async throws {
    let scratch = try Scratch()
    let builder = PcapBuilder()
    let stream = builder.header + (0..<1000).flatMap { builder.record(frame($0)) }
    let path = scratch.path + "/out.pcapng"
    let sink = try Sink(file: path)
    let meter = PumpMeter()
    let bell = try Bell()
    _ = try sink.begin(.here(application: "poddump test"), stop: bell)
    let end = try await pump(
      from: feed(stream), to: sink, as: .pcapng(PcapngInterface(name: "shop/web/eth0")),
      meter: meter, stop: bell)
    try sink.finish()
    #expect(end == .sourceEnded(complete: true))
    let answer = try run("tshark", ["-r", path, "-T", "fields", "-e", "frame.interface_name"])
    #expect(answer.status == 0)
    #expect(answer.output.split(separator: "\n").count == 1000)
    #expect(answer.output.hasPrefix("shop/web/eth0"))
  }
}
