internal import Base
internal import Packets

/// Counts what the members of a group have done.
final class GroupTally: Sendable {
  private struct State {
    var past = CaptureStatus()
    var present: [Members.ID: (meter: PumpMeter, isCapturing: Bool)] = [:]
    /// Remarks that wait for somebody to whom packets flow.
    var remarks: [String] = []
  }

  private let state = Locked(State())

  /// How many remarks may wait: as many as a packet takes.
  private static let mostRemarks = 16

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

  func begun(_ id: Members.ID) {
    state.withLock { state in
      state.present[id]?.isCapturing = true
      for remark in state.remarks { state.present[id]?.meter.mark(remark) }
      state.remarks = []
    }
  }

  /// Has a remark put on the next packet of one of those that packets flow from; where there is none, of the next
  /// one.
  func remark(_ comment: String) {
    state.withLock { state in
      let meters = state.present.values.filter(\.isCapturing).map(\.meter)
      // The one that has the most packets has the next one soonest.
      if let busiest = meters.max(by: { $0.packets < $1.packets }) {
        busiest.mark(comment)
      } else if state.remarks.count < Self.mostRemarks {
        state.remarks.append(comment)
      }
    }
  }

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
