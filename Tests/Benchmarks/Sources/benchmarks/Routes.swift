import Foundation

/// From the command to the first byte of a capture, by the routes that go through kubectl.
func benchmarkRoutes(_ board: Scoreboard) throws {
  _ = try Command.output([Setting.poddump, "clean"])
  try benchmarkExec(board)
  try benchmarkDebug(board)
}

private func capture(_ pod: String, _ route: String) -> [String] {
  [Setting.poddump, "capture", pod, "--route", route, "-q", "-w", "-"]
}

/// Route exec beside the bare `kubectl exec … true`, and route upload beside route exec, in turn.
private func benchmarkExec(_ board: Scoreboard) throws {
  let bare = [Setting.kubectl, "exec", "-n", "shop", "web", "--", "true"]
  // Once for everybody: programs and pages in memory.
  _ = try Command.measure(bare)
  var bares: [Double] = []
  var execs: [Double] = []
  var uploads: [Double] = []
  for _ in 0..<20 {
    let cost = try Command.measure(bare)
    guard cost.status == 0 else { throw Failed("kubectl exec ended with \(cost.status)") }
    bares.append(cost.seconds)
    execs.append(try Command.untilFirstByte(capture("shop/web", "exec")))
    uploads.append(try Command.untilFirstByte(capture("odd/plain", "upload")))
  }
  let over = Spread(zip(bares, execs).map { $1 - 1.3 * $0 }).median
  board.row(
    "exec: command -> first byte - 1.3 x kubectl exec true", "\(milliseconds(over))",
    limit: "150 ms", holds: over <= 0.150)
  board.note(
    "20 pairs in turn, medians: capture \(spread(execs)), kubectl exec true \(spread(bares))")
  let more = Spread(zip(execs, uploads).map { $1 - $0 }).median
  board.note(
    "upload of the tap (odd/plain): \(spread(uploads)), \(milliseconds(more)) more than exec")
}

/// Route debug on a pod without anything in it, the image being there: without what the container itself takes
/// to start; and once more, with the container that is there.
private func benchmarkDebug(_ board: Scoreboard) throws {
  let pod = "distroless"
  var firsts: [Double] = []
  var starts: [Double] = []
  var agains: [Double] = []
  for _ in 0..<7 {
    let watch = try RunningWatch(pod, in: "shop")
    firsts.append(try Command.untilFirstByte(capture("shop/" + pod, "debug")))
    starts.append(try watch.end())
    for _ in 0..<2 { agains.append(try Command.untilFirstByte(capture("shop/" + pod, "debug"))) }
    _ = try Command.output([Setting.poddump, "clean"])
  }
  let own = Spread(zip(firsts, starts).map { $0 - $1 }).median
  board.row(
    "debug: command -> first byte - the container's start", milliseconds(own), limit: "1000 ms",
    holds: own <= 1)
  board.note(
    "7 containers, medians: first byte \(spread(firsts)), of which the container \(spread(starts)): "
      + "from the API's taking it to the API's saying that it runs")
  board.note("again, with the container that is there: \(spread(agains))")
}

/// Notes when a pod gets an ephemeral container and when that runs, as the API tells a watch.
private final class RunningWatch {
  private let process = Process()
  private let reader: Thread
  private let times = Times()

  private final class Times: @unchecked Sendable {
    private let lock = NSLock()
    private var events: [(at: Date, containers: Int, running: Int)] = []

    func add(_ line: String) {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      let event = (
        at: Date(), containers: parts[0].split(separator: " ").count,
        running: (parts.count > 1 ? parts[1] : "").components(separatedBy: "\"running\"").count - 1
      )
      lock.withLock { events.append(event) }
    }

    var all: [(at: Date, containers: Int, running: Int)] { lock.withLock { events } }
  }

  init(_ pod: String, in namespace: String) throws {
    process.executableURL = URL(filePath: Setting.kubectl)
    process.arguments = [
      "get", "pod", pod, "-n", namespace, "--watch", "-o",
      #"jsonpath={.spec.ephemeralContainers[*].name}|{.status.ephemeralContainerStatuses[*].state}{"\n"}"#,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    let times = times
    reader = Thread {
      var rest = Data()
      while true {
        let piece = pipe.fileHandleForReading.availableData
        if piece.isEmpty { return }
        rest += piece
        while let end = rest.firstIndex(of: 0x0a) {
          times.add(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
          rest = rest[(end + 1)...]
        }
      }
    }
    try process.run()
    reader.start()
    // The one before has been ended, which the API learns a little later.
    let deadline = Date(timeIntervalSinceNow: 10)
    while times.all.last?.running != 0, Date() < deadline { usleep(10_000) }
    guard times.all.last?.running == 0 else {
      throw Failed("a container of poddump's runs already")
    }
  }

  /// Seconds from the new container's being there to its running.
  func end() throws -> Double {
    process.terminate()
    process.waitUntilExit()
    let events = times.all
    guard let before = events.first?.containers,
      let added = events.firstIndex(where: { $0.containers > before }),
      let running = events[added...].first(where: { $0.running > 0 })
    else { throw Failed("the API told of no new container") }
    return running.at.timeIntervalSince(events[added].at)
  }
}

private func milliseconds(_ seconds: Double) -> String { "\(number(seconds * 1000, 0)) ms" }

/// "210 ms (180 to 260)": the median, and the middle half.
private func spread(_ values: [Double]) -> String {
  let all = Spread(values)
  let middle = [0.25, 0.75].map { number(all.quantile($0) * 1000, 0) }
  return "\(milliseconds(all.median)) (\(middle.joined(separator: " to ")))"
}
