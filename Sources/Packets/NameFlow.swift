/// The nearest names among the blocks of one batch.
struct BatchNames: Sendable, Equatable {
  /// Which names they are.
  var generation: Int
  /// The bytes before the first of them.
  var lead: Int
  /// The bytes behind the last of them.
  var tail: Int
}

/// When which names of a stream are written: all of them first, what is new when it is known, the nearest again
/// and again, and all of them now and then.
///
/// Whoever reads a pipe may cut it into files at any place (dumpcap's ring), and repeats only the
/// interfaces in each; a file that has no names shows addresses. So the nearest names come often enough
/// for files of 100 kB, and all names as often as their share of the stream stays small.
struct NameFlow: Sendable {
  /// The most bytes of a stream between two blocks with the nearest names; a single longer packet is
  /// more. A block has 1 KiB at most, 3 % of that.
  static let nearPeriod = 32 << 10
  /// The same in time, for readers that cut by it.
  static let nearPause = Duration.seconds(10)
  /// How often all names are repeated: by bytes of the stream, by time; and never so often that they
  /// are more than a thirty-second part of the stream.
  static let allPeriod = 10 << 20
  static let allPause = Duration.seconds(60)
  static let allShare = 32
  /// Names take this part of what is left of a limited stream at most.
  static let roomShare = 8

  /// Whether names are repeated: a reader may cut the stream. Our own files are begun with names.
  let repeats: Bool
  /// The names as they are now.
  private(set) var table = NameTable()
  /// All names as blocks.
  private(set) var all: [UInt8] = []
  /// Blocks that nobody has written yet.
  private var pending: [UInt8] = []
  private var sinceNear = 0
  private var sinceAll = 0
  private var lastNear = ContinuousClock.now
  private var lastAll = ContinuousClock.now
  /// Whether the stream is limited, so that nothing comes behind its last packet.
  private var isLimited = false
  /// Counts the changes.
  private(set) var generation = 0

  init(repeats: Bool) { self.repeats = repeats }

  /// Takes the names as they are now; what is new of them will be written before the next packet.
  ///
  /// - Parameters:
  ///   - table: All names.
  ///   - all: The same as blocks.
  ///   - news: What `table` has more than the names before.
  mutating func set(_ table: NameTable, all: [UInt8], news: [UInt8]) {
    self.table = table
    self.all = all
    pending += news
    // A cluster that changes faster than packets come has its names once.
    if pending.count > all.count { pending = all }
    generation += 1
  }

  /// What is to be written before the next blocks.
  ///
  /// - Parameters:
  ///   - lead: The bytes that follow before the next names among them.
  ///   - room: The bytes that the stream, or its present file, may still grow; names take an eighth of that at
  ///     most.
  ///   - now: The present moment.
  /// - Returns: Blocks of names, mostly none.
  mutating func due(
    before lead: Int, room: Int, at now: ContinuousClock.Instant
  ) -> [UInt8] {
    isLimited = room != .max
    guard !table.isEmpty else { return [] }
    let room = max(0, room) / Self.roomShare
    let near = table.near.count <= room ? table.near : []
    if !pending.isEmpty {
      defer { pending = [] }
      if pending.count >= all.count, all.count <= room { return noteAll(now) }
      noteNear(now)
      return pending.count + near.count <= room ? pending + near : near
    }
    guard repeats, sinceNear > 0 else { return [] }
    if sinceAll >= all.count * Self.allShare, all.count <= room,
      sinceAll >= Self.allPeriod || now - lastAll >= Self.allPause
    {
      return noteAll(now)
    }
    guard sinceNear + lead > Self.nearPeriod || now - lastNear >= Self.nearPause else { return [] }
    noteNear(now)
    return near
  }

  /// Counts blocks that are written.
  ///
  /// - Parameters:
  ///   - count: Their bytes.
  ///   - names: Which names there are among them, and since when; nil where there are none.
  mutating func count(_ count: Int, _ names: BatchNames?) {
    sinceAll += count
    guard let names else {
      sinceNear += count
      return
    }
    // Names that were overtaken by newer ones have to be put right at once.
    sinceNear = names.generation == generation ? names.tail : Self.nearPeriod
  }

  /// The nearest names at the end of a stream that may have been cut since they were written last.
  func last() -> [UInt8] {
    repeats && sinceNear > 0 && pending.isEmpty && !isLimited ? table.near : []
  }

  private mutating func noteAll(_ now: ContinuousClock.Instant) -> [UInt8] {
    (sinceAll, lastAll) = (0, now)
    noteNear(now)
    return all
  }

  private mutating func noteNear(_ now: ContinuousClock.Instant) {
    (sinceNear, lastNear) = (0, now)
  }
}
