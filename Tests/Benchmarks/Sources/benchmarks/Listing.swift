import Foundation

/// `poddump list -A -o name` of 5,000 pods beside `kubectl get --raw`, in pairs.
func benchmarkListing(_ board: Scoreboard) throws {
  let pods = 5000
  _ = try Command.output([Setting.api, "fault", "extra-pods", "\(pods)", "--state", Setting.state])
  defer {
    _ = try? Command.output([Setting.api, "fault", "clear", "--state", Setting.state])
  }
  var raw: [Double] = []
  var ours: [Double] = []
  var peak = 0
  for round in 0..<8 {
    let a = try Command.measure([Setting.kubectl, "get", "--raw", "/api/v1/pods"])
    let b = try Command.measure([Setting.poddump, "list", "-A", "-o", "name"])
    guard a.status == 0, b.status == 0 else { throw Failed("a listing failed") }
    if round == 0 { continue }  // warm-up
    raw.append(a.seconds)
    ours.append(b.seconds)
    peak = max(peak, b.peak)
  }
  let rawMedian = Spread(raw).median
  let ratio = Spread(zip(ours, raw).map { $0 / $1 }).median
  let extra = Spread(zip(ours, raw).map { $0 - $1 }).median
  board.row(
    "list -A -o name, \(pods) pods / kubectl get --raw",
    "\(number(ratio)) x, \(number(extra)) s more", limit: "2 x or 0.4 s more",
    holds: ratio <= 2 || extra <= 0.4)
  board.note("median of \(raw.count) pairs; kubectl get --raw \(number(rawMedian)) s")
  board.row(
    "  poddump's own memory", "\(number(Double(peak) / 1e6, 1)) MB", limit: "150 MB",
    holds: peak <= 150_000_000)
}
