import Foundation
import Testing

extension InLab {
  /// Pods in the real Wireshark's window: what only the window does.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct WindowTests {
    let desktop: Desktop
    let lab: Inventory

    init() throws {
      desktop = try Desktop()
      lab = try Inventory.load()
    }

    /// A file that Wireshark writes its packets to.
    private var file: String { desktop.temporary + "/packets.pcapng" }

    private func size() -> Int {
      (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int ?? 0
    }

    /// Starts a capture of a pod in the window; a busy one sees packets, an idle one never does.
    private func capture(
      _ interface: String = "pod:shop/web", isBusy: Bool = true, _ options: [String] = [],
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Wireshark {
      let filter = isBusy ? "not udp port 19999" : "udp port 19999"
      let wireshark = try Wireshark(
        on: desktop, ["-k", "-i", interface, "-f", filter, "-w", file] + options)
      wireshark.expect("captures", sourceLocation: sourceLocation) {
        isBusy
          ? size() > 2000
          : wireshark.captureProcesses.contains { $0.name == "dumpcap" }
            && !there().isEmpty && size() > 0
      }
      return wireshark
    }

    /// The tcpdumps on the nodes that have our filters.
    private func there() -> [LocalProcess] {
      LocalProcess.all {
        $0.name == "tcpdump" && ($0.arguments.last ?? "").hasSuffix("udp port 19999")
      }
    }

    /// Waits until nobody takes part in the capture any more.
    private func expectNoCapture(
      _ wireshark: Wireshark, within seconds: Double,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      wireshark.expect("the capture's end", within: seconds, sourceLocation: sourceLocation) {
        wireshark.captureProcesses.isEmpty
      }
    }

    /// Whether poddump-extcap declares controls.
    private var hasToolbar: Bool {
      get throws {
        let run = try Program.run(
          desktop.asUser(["\(desktop.path)/bin/poddump-extcap", "--extcap-interfaces"]))
        return run.output.contains("control {")
      }
    }

    private var fifos: [String] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: desktop.temporary)) ?? []
      return names.filter { $0.hasPrefix("wireshark_extcap_") }
    }

    // MARK: Start

    /// Wireshark asks for the interfaces once, and twice about each; all is answered from the cache.
    @Test func startingAsksAboutEveryInterfaceAndNobodyElse() throws {
      try desktop.list()
      try Lab.forgetRequests()
      let wireshark = try Wireshark(on: desktop, [])
      let listed = try Program.run(
        desktop.asUser(["\(desktop.path)/bin/poddump-extcap", "--extcap-interfaces"])
      ).output.matches(of: /interface \{value=([^}]*)\}/).map { String($0.1) }
      #expect(listed.contains("pod:shop/web") && listed.contains("poddump"))
      wireshark.expect("asks for the link types of all interfaces") {
        Set(listed).isSubset(of: asked("--extcap-dlts"))
      }
      #expect(
        desktop.calls.first == ["--extcap-interfaces", "--extcap-version=\(Desktop.version)"])
      #expect(asked("--extcap-config") == Set(listed))
      #expect(asked("--extcap-dlts") == Set(listed))
      for call in desktop.calls {
        #expect(
          ["--extcap-interfaces", "--extcap-config", "--extcap-dlts"].contains(call[0]), "\(call)")
      }
      wireshark.expect("the main window") {
        wireshark.main?.title == "The Wireshark Network Analyzer"
      }
      #expect(wireshark.dialog == nil, "\(wireshark.panes)")
      #expect(try Lab.requests() == [])
      try wireshark.press("ctrl+q") { !wireshark.program.process.isRunning }
      #expect(wireshark.processes.isEmpty)
    }

    private func asked(_ question: String) -> Set<String> {
      Set(desktop.calls.filter { $0.first == question && $0.count == 3 }.map { $0[2] })
    }

    /// The dialog comes by itself where no pod is chosen yet; its lists are asked for again, and an API that does not
    /// answer holds the window up for no longer than 3 s.
    @Test func theDialogAsksForItsListsAgain() throws {
      try desktop.configure("[listing]\nnamespaces = [\"nosuch\"]\n")
      // All types but extcap, as numbered in Wireshark's capture_opts.h: the portal is the only interface.
      try desktop.prefer(["gui.interfaces_hidden_types: 0,1,2,3,4,5,6,7,9"])
      try desktop.list()
      let wireshark = try Wireshark(on: desktop, [])
      wireshark.expect("asks for the link types of the portal") {
        asked("--extcap-dlts") == ["poddump"]
      }
      var dialog: Wireshark.Pane? {
        wireshark.panes.first { $0.title.contains("Interface Options: Kubernetes: choose a pod") }
      }
      try wireshark.press("ctrl+e") { dialog != nil }
      /// Clicks down the column of the buttons beside the lists until one of them asks.
      func reload() throws -> [String] {
        let pane = try #require(dialog)
        let before = desktop.calls.count
        for row in stride(from: 2, to: 12, by: 1) {
          try desktop.click(pane.x + pane.width * 84 / 100, pane.y + pane.height * row / 24)
          let asks = wireshark.program.wait(1) { desktop.calls.count > before }
          if asks { return desktop.calls[before] }
        }
        return []
      }
      let call = try reload()
      #expect(
        call.starts(with: ["--extcap-config", "--extcap-interface", "poddump"])
          && call.dropFirst(3).first == "--extcap-reload-option", "\(call)")
      try Lab.with(fault: ["black-hole", "on"]) {
        #expect(try reload().contains("--extcap-reload-option"))
        let begin = Date()
        try wireshark.press("Escape", in: { dialog }, within: 6) { dialog == nil }
        #expect(Date().timeIntervalSince(begin) <= 4)
      }
      #expect(wireshark.program.process.isRunning)
    }

    /// A filter that is typed is judged at each key, for the interface that is chosen.
    @Test func aFilterIsJudgedWhileItIsTyped() throws {
      try desktop.list()
      let wireshark = try Wireshark(on: desktop, ["-i", "pod:shop/web"])
      wireshark.expect("asks for the link types") {
        asked("--extcap-dlts").contains("pod:shop/web")
      }
      wireshark.expect("the main window") {
        wireshark.main?.title == "The Wireshark Network Analyzer"
      }
      let main = try #require(wireshark.main)
      func judged(_ filter: String) -> Bool {
        desktop.calls.contains {
          $0 == ["--extcap-capture-filter", filter, "--extcap-interface", "pod:shop/web"]
        }
      }
      // The field stands somewhere in the upper half of the window's first page.
      for row in stride(from: 120, to: 420, by: 15) where !judged("tcp") {
        try desktop.click(main.x + main.width / 2, main.y + row)
        try desktop.xdotool(["type", "--delay", "30", "tcp"])
        wireshark.program.wait(0.5) { judged("tcp") }
      }
      #expect(judged("tcp"), "\(desktop.calls.suffix(3))")
      try desktop.xdotool(["type", "--delay", "30", " prt"])
      wireshark.expect("another judgement", within: 5) { judged("tcp prt") }
    }

    // MARK: Capture and stop

    /// Stop in the window: the extcap is told first, and the FIFO is read to its end.
    @Test func aPodIsCapturedAndStopped() throws {
      let before = try Lab.processes()
      try desktop.list()
      let wireshark = try capture()
      let title = try #require(wireshark.main?.title)
      #expect(title.hasPrefix("Capturing from shop/web · n1 · lab"), "\(title)")
      #expect(wireshark.dialog == nil, "\(wireshark.panes)")
      try wireshark.press("ctrl+e") { wireshark.captureProcesses.isEmpty }
      wireshark.expect("the file's name as the title") { wireshark.main?.title == "packets.pcapng" }
      #expect(wireshark.dialog == nil, "\(wireshark.panes)")
      try Lab.expectNothingLeft(since: before, within: 5)
      #expect(fifos == [])
      let packets = PacketFile(file)
      try packets.expectPackets(of: lab.address("web"))
      #expect(try packets.hasCounters())
      #expect(
        try packets.packets("frame.interface_name").allSatisfy { $0 == ["shop/web/eth0"] })
    }

    @Test func aLimitOfWiresharksEndsIt() throws {
      let before = try Lab.processes()
      try desktop.list()
      let wireshark = try Wireshark(
        on: desktop, ["-k", "-i", "pod:shop/web", "-a", "packets:20", "-w", file])
      wireshark.expect("the file's name as the title") { wireshark.main?.title == "packets.pcapng" }
      expectNoCapture(wireshark, within: 5)
      #expect(wireshark.dialog == nil, "\(wireshark.panes)")
      try Lab.expectNothingLeft(since: before, within: 5)
      #expect(fifos == [])
      try PacketFile(file).expectPackets(20, of: lab.address("web"))
    }

    @Test func theWindowIsClosedMeanwhile() throws {
      let before = try Lab.processes()
      try desktop.list()
      let wireshark = try capture()
      try wireshark.press("ctrl+q") { !wireshark.program.process.isRunning }
      expectNoCapture(wireshark, within: 5)
      try Lab.expectNothingLeft(since: before, within: 5)
      #expect(try PacketFile(file).packets("frame.number").count > 0)
    }

    /// While the cluster does not answer, the window does: a key that is pressed in it stops the capture.
    @Test func theWindowIsNotHeldUpByAClusterThatDoesNotAnswer() throws {
      try desktop.list()
      try Lab.with(fault: ["black-hole", "on"]) {
        let wireshark = try Wireshark(on: desktop, ["-k", "-i", "pod:shop/web", "-w", file])
        wireshark.expect("is connecting") {
          wireshark.captureProcesses.contains { $0.name == "kubectl" }
            && wireshark.main?.title.hasPrefix("Capturing from") == true
        }
        // Where there is a toolbar, the window waits for its pipe to be opened.
        let call = try #require(desktop.calls.last { $0.first == "--capture" })
        #expect(try call.contains("--extcap-control-in") == hasToolbar)
        let begin = Date()
        try wireshark.press("ctrl+e", within: 3) { wireshark.captureProcesses.isEmpty }
        #expect(Date().timeIntervalSince(begin) <= 3)
        wireshark.expect("another title", within: 10) {
          wireshark.main?.title.hasPrefix("Capturing from") == false
        }
        // Wireshark's own word for a capture without packets, and nothing of ours.
        if let dialog = wireshark.dialog {
          let text = try wireshark.text(of: dialog)
          #expect(text.contains("captured") && !text.contains("extcap"), "\(text)")
        }
      }
    }

    /// The toolbar, where somebody shows it: its log while it captures, and in the end how much it was.
    @Test func theToolbarIsOfUse() throws {
      // As View, Interface Toolbars leaves it; by the name that poddump-extcap gives it.
      try desktop.write(
        "gui.interface_toolbar_show: poddump\n", to: ".config/wireshark/recent")
      try desktop.list()
      let wireshark = try capture()
      let main = try #require(wireshark.main)
      try desktop.xdotool(["windowsize", "--sync", main.id, "1060", "660"])
      // The toolbar's row is the one above the packets. The log has a window of its own.
      for row in [106, 100, 112] where wireshark.dialog == nil {
        try desktop.click(main.x + 828, main.y + row)
        wireshark.program.wait(2) { wireshark.dialog != nil }
      }
      #expect(wireshark.dialog?.title.contains("Log") == true, "\(wireshark.panes)")
      try wireshark.press("Escape", in: { wireshark.dialog }) { wireshark.dialog == nil }
      try wireshark.press("ctrl+e") { wireshark.captureProcesses.isEmpty }
      var text = ""
      for row in [106, 100, 112] where !text.contains(" dropped of ") {
        try desktop.click(main.x + 445, main.y + row, times: 3)
        usleep(300_000)
        text = desktop.selection
      }
      #expect(text.contains(" packets") && text.contains(" dropped of "), "\(text)")
    }

    // MARK: Failure

    @Test func aPodThatIsGoneIsSaidInADialog() throws {
      try Lab.with(fault: ["extra-pods", "20"]) { try desktop.list() }
      let wireshark = try Wireshark(
        on: desktop, ["-k", "-i", "pod:load-7/load-00007", "-w", file])
      // There are other windows for a moment while it starts.
      wireshark.expect("a dialog") {
        wireshark.main?.title.hasPrefix("Capturing from") == true && wireshark.dialog != nil
      }
      let text = try wireshark.text(of: #require(wireshark.dialog))
      #expect(
        text.contains(
          "extcap pipe: Cannot find pod load-7/load-00007 in context lab. The API server says: "),
        "\(text)")
      expectNoCapture(wireshark, within: 2)
    }

    /// A capture that is cut stays open for a restart, and the toolbar that offers it is hidden: a dialog says so.
    @Test func aCutIsSaidInADialog() throws {
      let before = try Lab.processes()
      try desktop.list()
      let wireshark = try capture()
      #expect(wireshark.dialog == nil, "\(wireshark.panes)")
      let kubectl = try #require(
        wireshark.captureProcesses.first { $0.name == "kubectl" && $0.arguments.contains("exec") })
      kill(kubectl.pid, SIGKILL)
      wireshark.expect("a dialog", within: 10) { wireshark.dialog != nil }
      let text = try wireshark.text(of: #require(wireshark.dialog))
      #expect(text.contains("shop/web is captured no more. "), "\(text)")
      #expect(text.contains("kubectl"), "\(text)")
      try wireshark.press("Return", in: { wireshark.dialog }) { wireshark.dialog == nil }
      try wireshark.press("ctrl+e") { wireshark.captureProcesses.isEmpty }
      wireshark.expect("the file's name as the title") { wireshark.main?.title == "packets.pcapng" }
      try Lab.expectNothingLeft(since: before, within: 15)
      try PacketFile(file).expectPackets(of: lab.address("web"))
    }

    // MARK: Kills

    /// Nothing of a window that is killed lives on, also where no packet comes by which it would be noticed.
    @Test(arguments: [true, false])
    func aKilledWindowLeavesNothing(isBusy: Bool) throws {
      let before = try Lab.processes()
      let files = try Lab.files("shop/web")
      try desktop.list()
      let wireshark = try capture(isBusy: isBusy)
      let window = try #require(wireshark.processes.first { $0.name == "wireshark" })
      kill(window.pid, SIGKILL)
      expectNoCapture(wireshark, within: 5)
      try Lab.expectNothingLeft(since: before, within: 5)
      // Its dumpcap ends with its FIFO's writer.
      wireshark.expect("the end of all its processes", within: 5) { wireshark.processes.isEmpty }
      #expect(try Lab.files("shop/web").subtracting(files) == [])
      #expect(try PacketFile(file).packets("frame.number").isEmpty == !isBusy)
    }
  }
}
