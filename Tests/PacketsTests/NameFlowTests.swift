@testable import Packets
import Testing

@Suite struct NameFlowTests {
  let start = ContinuousClock.now
  let table = NameTableTests.table(100)

  func flow(_ table: NameTable, repeats: Bool = true) -> NameFlow {
    var flow = NameFlow(repeats: repeats)
    flow.set(table, all: table.blocks, news: table.blocks)
    return flow
  }

  @Test func allComeFirstAndOnce() {
    var flow = flow(table)
    #expect(flow.due(before: 100, room: .max, at: start) == table.blocks)
    flow.count(100, nil)
    #expect(flow.due(before: 100, room: .max, at: start).isEmpty)
  }

  @Test func theNearestComeBeforeTheirPeriodIsOver() {
    var flow = flow(table)
    _ = flow.due(before: 100, room: .max, at: start)
    var since = 0
    for _ in 0..<1000 {
      if !flow.due(before: 1000, room: .max, at: start).isEmpty { since = 0 }
      flow.count(1000, nil)
      since += 1000
      #expect(since <= NameFlow.nearPeriod)
    }
  }

  @Test func namesWithinABatchCount() {
    var flow = flow(table)
    _ = flow.due(before: 0, room: .max, at: start)
    let names = BatchNames(generation: flow.generation, lead: 30_000, tail: 2000)
    flow.count(200_000, names)
    #expect(flow.due(before: 30_000, room: .max, at: start).isEmpty)
    #expect(flow.due(before: 31_000, room: .max, at: start) == table.near)
    // Such as were overtaken are put right.
    flow.count(200_000, BatchNames(generation: flow.generation - 1, lead: 0, tail: 0))
    #expect(flow.due(before: 1, room: .max, at: start) == table.near)
  }

  @Test func allAreRepeatedByBytesAndByTime() {
    var flow = flow(table)
    _ = flow.due(before: 0, room: .max, at: start)
    flow.count(NameFlow.allPeriod, nil)
    #expect(flow.due(before: 1, room: .max, at: start) == table.blocks)
    flow.count(table.blocks.count * NameFlow.allShare, nil)
    #expect(flow.due(before: 1, room: .max, at: start + .seconds(59)) == table.near)
    flow.count(1, nil)
    #expect(flow.due(before: 1, room: .max, at: start + .seconds(61)) == table.blocks)
  }

  @Test func manyNamesDoNotFloodTheStream() {
    let table = NameTableTests.table(10_000)
    var flow = flow(table)
    _ = flow.due(before: 0, room: .max, at: start)
    var (names, packets) = (0, 0)
    for step in 0..<20_000 {
      names += flow.due(before: 5000, room: .max, at: start + .milliseconds(step * 60)).count
      flow.count(5000, nil)
      packets += 5000
    }
    #expect(names < packets / 12)
    #expect(names > packets / 100)
  }

  @Test func anIdleStreamHasNoNamesAgain() {
    var flow = flow(table)
    _ = flow.due(before: 0, room: .max, at: start)
    #expect(flow.due(before: 1, room: .max, at: start + .seconds(3600)).isEmpty)
    flow.count(1, nil)
    #expect(flow.due(before: 1, room: .max, at: start + .seconds(3600)) == table.near)
  }

  @Test func newsComeAtOnce() {
    var flow = flow(table)
    _ = flow.due(before: 0, room: .max, at: start)
    let more = NameTable(table.names + NameTableTests.table(2, prefix: "x").names)
    let other = NameTable([AddressName("198.51.100.1", "new.shop")].compactMap(\.self) + more.names)
    flow.set(other, all: other.blocks, news: other.blocks(since: table))
    #expect(
      flow.due(before: 1, room: .max, at: start) == other.blocks(since: table) + other.near)
    #expect(flow.due(before: 1, room: .max, at: start).isEmpty)
  }

  @Test func filesHaveThemOnce() {
    var flow = flow(table, repeats: false)
    #expect(flow.due(before: 100, room: .max, at: start) == table.blocks)
    flow.count(1 << 30, nil)
    #expect(flow.due(before: 100, room: .max, at: start + .seconds(3600)).isEmpty)
    #expect(flow.last().isEmpty)
  }

  @Test func whatIsLimitedIsNotFilledWithNames() {
    let table = NameTableTests.table(10_000)
    for room in [-1, 0, 100, 1000, 10_000, 100_000, 10_000_000] {
      var flow = flow(table)
      let names = flow.due(before: 1, room: room, at: start)
      #expect(names.count <= max(0, room) / 8)
      if room >= 10_000 { #expect(!names.isEmpty) }
    }
  }
}
