internal import Base
internal import Packets

/// Counts what the members of a group have done.
final class GroupTally: Sendable {
  private struct State {
    var past = CaptureStatus()
    var present: [Members.ID: (meter: PumpMeter, isCapturing: Bool)] = [:]
  }

  private let state = Locked(State())

  var status: CaptureStatus {
    state.withLock { state in
      var status = state.past
      for (meter, isCapturing) in state.present.values {
        status.packets += meter.packets
        status.bytes += meter.bytes
        if let drops = meter.drops { status.drops = (status.drops ?? 0) + UInt64(drops) }
        if isCapturing { status.capturing += 1 } else { status.starting += 1 }
      }
      return status
    }
  }

  func join(_ id: Members.ID, _ meter: PumpMeter) {
    state.withLock { $0.present[id] = (meter, false) }
  }

  func begun(_ id: Members.ID) { state.withLock { $0.present[id]?.isCapturing = true } }

  func ended(_ id: Members.ID, _ report: CaptureReport?) {
    state.withLock { state in
      state.present[id] = nil
      guard let report else { return }
      state.past.packets += report.packets
      state.past.bytes += report.bytes
      if report.statistics.hasCounters {
        state.past.drops = (state.past.drops ?? 0) &+ report.drops
      }
    }
  }
}
