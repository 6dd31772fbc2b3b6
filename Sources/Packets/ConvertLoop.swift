/// The inner loop of a conversion from pcap to pcapng: pointers within, spans without.
///
/// It is apart from `RecordWalker` and `PcapngWriter`, which say the same in a readable way, since this is
/// where a capture's time goes: appending to an array field by field took four times as long (measured).
struct ConvertLoop {
  private let headerLength: Int
  private let isSwapped: Bool
  private let unitsPerSecond: UInt64
  private let interface: UInt32
  private let names: RecordBatch.Names
  /// The most packets.
  let limit: Int
  /// The most bytes to write.
  let room: Int

  /// How far it has come.
  var walk = RecordBatch.Walk()
  /// The bytes written.
  private(set) var written = 0
  /// Where the bytes since the last names begin.
  private var mark = 0

  init(
    layout: RecordLayout, unitsPerSecond: UInt64, interface: UInt32, limit: Int,
    room: Int, names: RecordBatch.Names
  ) {
    headerLength = layout.headerLength
    isSwapped = layout.isSwapped
    self.unitsPerSecond = unitsPerSecond
    self.interface = interface
    self.limit = limit
    self.room = room
    self.names = names
  }

  /// Takes note of a packet that was converted elsewhere.
  mutating func pass(_ consumed: Int, written count: Int) {
    walk.packets += 1
    walk.consumed = consumed
    written += count
  }

  /// How far it came, once it is over.
  func finished() -> RecordBatch.Walk {
    var walk = walk
    walk.names?.tail = written - mark
    return walk
  }

  /// Converts the whole records that there are.
  ///
  /// - Parameters:
  ///   - source: The records, from where the walk has come to.
  ///   - output: Where blocks go; large enough for all of them.
  mutating func run(over source: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
  {
    guard let from = source.baseAddress, let to = output.baseAddress else {
      if walk.packets >= limit { walk.end = .limit }
      return
    }
    // Each of the two is compiled with the answer known.
    if isSwapped {
      run(from, source.count, to, swapped: true)
    } else {
      run(from, source.count, to, swapped: false)
    }
  }

  @inline(__always)
  private mutating func run(
    _ source: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutableRawPointer, swapped: Bool
  ) {
    let most = PcapngWriter.maximumBlockLength - PcapngWriter.packetOverhead
    let period = names.block.isEmpty ? Int.max : NameFlow.nearPeriod
    let packetsLeft = max(0, limit - walk.packets)
    var taken = 0
    var at = walk.consumed
    var end = written
    defer {
      walk.packets += taken
      walk.consumed = at
      written = end
    }
    while true {
      // Said as soon as it is so, not when another packet comes.
      guard taken < packetsLeft else {
        walk.end = .limit
        return
      }
      guard count - at >= headerLength else { return }
      let head = source + at
      let captured = Self.load(head, 8, swapped)
      guard captured <= UInt32(RecordLayout.maximumLength) else {
        walk.end = .junk
        return
      }
      let length = Int(captured)
      guard count - at - headerLength >= length else { return }
      let kept = min(length, most)
      let padded = (kept + 3) & ~3
      let block = PcapngWriter.packetOverhead + padded
      if end - mark + block > period, end + names.block.count + block <= room {
        if walk.names == nil {
          walk.names = BatchNames(generation: names.generation, lead: end, tail: 0)
        }
        names.block.withUnsafeBytes { bytes in
          if let base = bytes.baseAddress {
            (output + end).copyMemory(from: base, byteCount: bytes.count)
          }
        }
        end += names.block.count
        mark = end
      }
      guard end + block <= room else {
        walk.end = .limit
        return
      }
      let time =
        UInt64(Self.load(head, 0, swapped)) &* unitsPerSecond
        &+ UInt64(Self.load(head, 4, swapped))
      let to = output + end
      // The padding first: what is longer than it is written over.
      Self.store(0, to, PcapngWriter.packetOverhead - 8 + padded)
      Self.store(PcapngWriter.Block.packet, to, 0)
      Self.store(UInt32(truncatingIfNeeded: block), to, 4)
      Self.store(interface, to, 8)
      Self.store(UInt32(truncatingIfNeeded: time &>> 32), to, 12)
      Self.store(UInt32(truncatingIfNeeded: time), to, 16)
      Self.store(UInt32(truncatingIfNeeded: kept), to, 20)
      Self.store(Self.load(head, 12, swapped), to, 24)
      (to + 28).copyMemory(from: head + headerLength, byteCount: kept)
      Self.store(UInt32(truncatingIfNeeded: block), to, 28 + padded)
      end += block
      at += headerLength + length
      taken += 1
    }
  }

  @inline(__always)
  private static func load(_ base: UnsafeRawPointer, _ offset: Int, _ swapped: Bool) -> UInt32 {
    let value = base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return swapped ? value.byteSwapped : value
  }

  @inline(__always)
  private static func store(_ value: UInt32, _ base: UnsafeMutableRawPointer, _ offset: Int) {
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
}
