import Foundation
import Synchronization
import Testing

extension InLab {
  /// 100 captures by all routes, ended in every way there is, a third of them by SIGKILL: no process, file,
  /// pod or entry of the journal is left.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct LeftoversTests {
    /// How a capture comes to its end.
    enum Ending: String {
      /// `kill -9` of poddump while it captures, or before.
      case killed, killedEarly
      /// Ctrl-C while it captures; the same after `kill -9` of the janitor.
      case interrupted, interruptedWithoutJanitor
      /// Three packets, and whoever reads the packets closes its end.
      case counted, readerCloses
      /// `kill -9` of the kubectl or ssh that carries the packets.
      case carrierKilled
    }

    /// Where a route captures: one pod each.
    struct Lane: Sendable {
      var route: String
      var pod: String
      var login: SSHLogin?
    }

    static let lanes = [
      Lane(route: "exec", pod: "shop/web"),
      Lane(route: "ssh", pod: "shop/web", login: SSHLogin(user: "ops")),
      Lane(route: "upload", pod: "odd/plain"),
      Lane(route: "debug", pod: "shop/distroless"),
      Lane(route: "node", pod: "odd/pair"),
    ]

    /// How the captures of one route end, one after the other: 7 by a kill of poddump, 7 by Ctrl-C, 6 by
    /// themselves.
    static let endings: [Ending] = [
      .killed, .interrupted, .counted, .killedEarly, .interrupted, .readerCloses, .killed,
      .interruptedWithoutJanitor, .carrierKilled, .killedEarly, .interrupted, .counted, .killed,
      .interrupted, .readerCloses, .killedEarly, .interruptedWithoutJanitor, .carrierKilled,
      .interrupted, .killed,
    ]

    let folder: Folder

    init() throws {
      folder = try Folder()
      // What another test has let run would be used again.
      try folder.clean()
    }

    @Test func nothingIsLeftOfAHundredCaptures() throws {
      let pods = Set(Self.lanes.map(\.pod))
      let places = Array(pods) + Lab.nodes
      let files = try places.map { ($0, try Lab.files($0)) }
      let before = try Lab.processes()
      let begin = Date()
      let faults = Mutex<[String]>([])
      let ended = Mutex<[Ending]>([])

      // The captures of a route one after the other, and the routes side by side.
      DispatchQueue.concurrentPerform(iterations: Self.lanes.count) { number in
        let lane = Self.lanes[number]
        for (turn, ending) in Self.endings.enumerated() {
          let fault = fault(of: lane, ending, turn)
          ended.withLock { $0.append(ending) }
          guard let fault else { continue }
          faults.withLock { $0.append("\(lane.route), \(turn), \(ending): \(fault)") }
        }
      }
      #expect(faults.withLock { $0 } == [])
      #expect(ended.withLock { $0.count } == 100)
      let kills = ended.withLock { $0.filter { $0 == .killed || $0 == .killedEarly }.count }
      #expect(kills >= 33)

      // What the janitors undo takes its time, but not for ever.
      let last = Date()
      while !running.isEmpty || !folder.journal.isEmpty, Date().timeIntervalSince(last) < 30 {
        usleep(200_000)
      }
      #expect(running.map(\.description) == [], "left here")
      #expect(folder.journal == [], "left in the journal")
      try Cluster.expectNoHelpers(within: 1)
      // The first process of a container of ours waits for the next capture.
      let left = try Lab.processes().subtracting(before).filter { !isIdle($0) }
      if !left.isEmpty {
        usleep(500_000)
        #expect(try left.intersection(Lab.processes()) == [], "left on the nodes")
      }
      let seconds = (all: last.timeIntervalSince(begin), after: Date().timeIntervalSince(last))
      #expect(seconds.after < 32 && seconds.all < 240, "\(seconds)")

      let clean = try Program.run([Lab.poddump, "clean"], environment: folder.environment)
      #expect(clean.status == 0, "\(clean.output)\(clean.errors)")
      try Lab.expectNothingLeft(since: before, within: 10)
      for pod in pods { #expect(try Cluster.pod(pod).running == [], "\(pod)") }
      for (place, earlier) in files {
        #expect(try Lab.files(place).subtracting(earlier) == [], "files left in \(place)")
      }
      #expect(running.isEmpty)
      print("100 captures in \(Int(seconds.all)) s, settled \(Int(seconds.after)) s later")
    }

    /// What runs here in this home's name: poddump, janitors, kubectl, ssh.
    private var running: [LocalProcess] { LocalProcess.all(marked: "HOME=\(folder.path)") }

    /// Whether a process of a node is the first one of a container of ours, what that waits for, or what of
    /// the lab's holds the container.
    private func isIdle(_ line: String) -> Bool {
      line.contains(" sh 'sh' '-c' $'trap ") && line.contains("'poddump-")
        || line.hasSuffix(" sleep 'sleep' '15'") || line.contains(" shim '\(Lab.directory)/")
    }

    /// Makes one capture and ends it.
    ///
    /// - Returns: What was wrong with it; nil when nothing was.
    private func fault(of lane: Lane, _ ending: Ending, _ turn: Int) -> String? {
      do {
        return try ended(lane, ending, turn)
      } catch {
        return "\(error)"
      }
    }

    private func ended(_ lane: Lane, _ ending: Ending, _ turn: Int) throws -> String? {
      var login = lane.login
      if ending == .carrierKilled { login?.engine = .openssh }
      let capture = try Capturing(
        .commandLine, .init(pod: lane.pod, isBusy: true), in: folder,
        ["--route", lane.route] + (ending == .counted ? ["--count", "3"] : []),
        reader: ending == .readerCloses ? ["head", "-c", "1000"] : [], by: login)
      let program = capture.program
      switch ending {
      case .counted, .readerCloses:
        return fault(program.finish(within: 40), 0)
      case .killedEarly:
        // Whatever it is doing at the moment.
        usleep(UInt32(150_000 * (1 + turn % 7)))
        kill(program.pid, SIGKILL)
        _ = program.finish(within: 10)
        return nil
      case .killed, .interrupted, .interruptedWithoutJanitor, .carrierKilled: break
      }
      guard program.wait(40, until: { capture.hasPackets || !program.process.isRunning }),
        program.process.isRunning
      else {
        kill(program.pid, SIGKILL)
        return "it does not capture: \(program.finish(within: 5).errors)"
      }
      switch ending {
      case .killed:
        kill(program.pid, SIGKILL)
        let end = program.finish(within: 10)
        return end.signal == SIGKILL ? nil : "\(end)"
      case .carrierKilled:
        try capture.send(SIGKILL, to: login == nil ? "kubectl" : "ssh")
        let end = program.finish(within: 20)
        return end.errors.contains("was cut") ? fault(end, 1) : "\(end)"
      default:
        if ending == .interruptedWithoutJanitor {
          for janitor in capture.processesHere where janitor.isJanitor {
            kill(janitor.pid, SIGKILL)
          }
        }
        kill(program.pid, SIGINT)
        return fault(program.finish(within: 20), 0)
      }
    }

    private func fault(_ end: Finished, _ status: Int32) -> String? {
      end.status == status ? nil : "status \(end.status), \(end.seconds) s: \(end.errors)"
    }
  }
}
