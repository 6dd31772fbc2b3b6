import Base
import Foundation
import Packets
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Writes bytes into a pipe from a thread of its own, in pieces with a pause after each, then closes
/// it, unless it is to stay open for as long as the returned pipe lives.
func feed(
  _ pieces: [[UInt8]], pause: Duration = .zero, staysOpen: Bool = false
) throws -> Base.Pipe {
  ignoreBrokenPipes()
  let pipe = try Base.Pipe()
  DispatchQueue(label: "feed").async {
    for piece in pieces {
      guard writeAll(piece, to: pipe.writer) else { break }
      if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
    }
    if !staysOpen { pipe.writer.close() }
  }
  return pipe
}

@discardableResult func writeAll(_ bytes: [UInt8], to descriptor: OwnedFD) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor.raw, $0.baseAddress, $0.count) }
    guard count > 0 else { return false }
    rest = rest.dropFirst(count)
  }
  return true
}

/// Reads on a thread of its own until the other end closes, at most so much per read; `first` is done
/// on that thread before.
func drain(
  _ descriptor: OwnedFD, atMost size: Int = 65_536, pause: Duration = .zero,
  first: @escaping @Sendable () -> Void = {}
) async -> [UInt8] {
  await withCheckedContinuation { done in
    DispatchQueue(label: "drain").async {
      first()
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: size)
      while true {
        let count = read(descriptor.raw, &buffer, size)
        guard count > 0 else { break }
        bytes += buffer.prefix(count)
        if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
      }
      done.resume(returning: bytes)
    }
  }
}

/// Reads so many bytes and no more; fewer when none come for so long
/// that something must be wrong.
func take(_ count: Int, from descriptor: OwnedFD) async -> [UInt8] {
  await withCheckedContinuation { done in
    DispatchQueue(label: "take").async {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
      while bytes.count < count, poll(&entry, 1, 30_000) > 0 {
        let got = read(descriptor.raw, &buffer, min(buffer.count, count - bytes.count))
        guard got > 0 else { break }
        bytes += buffer.prefix(got)
      }
      done.resume(returning: bytes)
    }
  }
}

/// Waits until a pump moves nothing any more, since its reader takes nothing.
func waitUntilBlocked(_ meter: PumpMeter) async throws {
  var before = -1
  while meter.packets == 0 || meter.packets != before {
    before = meter.packets
    try await Task.sleep(for: .milliseconds(100))
  }
}

/// A pcap stream of so many packets.
func stream(_ builder: PcapBuilder = PcapBuilder(), packets: Int, length: Int = 64) -> [UInt8] {
  var bytes = builder.header
  for number in 0..<packets {
    bytes += builder.record(
      frame(number, length: length), seconds: 1_700_000_000 + UInt32(number / 1000),
      fraction: UInt32(number % 1000))
  }
  return bytes
}

/// The packets in a pcap stream, by an independent reading; nil when it does not end with a whole one.
func packets(in bytes: [UInt8], _ builder: PcapBuilder = PcapBuilder()) -> [[UInt8]]? {
  guard bytes.starts(with: builder.header) else { return nil }
  var packets: [[UInt8]] = []
  var place = 24
  while place < bytes.count {
    guard place + 16 <= bytes.count else { return nil }
    let lengths = bytes[(place + 8)..<(place + 12)]
    let ordered = builder.isBigEndian ? Array(lengths) : lengths.reversed()
    let length = ordered.reduce(0) { $0 << 8 | Int($1) }
    place += builder.isPatched ? 24 : 16
    guard place + length <= bytes.count else { return nil }
    packets.append(Array(bytes[place..<(place + length)]))
    place += length
  }
  return packets
}
