import Testing

@testable import Extcap

struct ReplyTests {
  private let new = WiresharkVersion(major: 4, minor: 4)
  private let pod = Sample.cluster.listed.first { $0.name == "web-0" }

  @Test func interfaces() throws {
    try expectGolden("interfaces.txt", Reply.interfaces([ListingHead(Sample.cluster)]))
    try expectGolden("interfaces-none.txt", Reply.interfaces([]))
  }

  @Test func twoContexts() throws {
    let further = Sample.listing(
      [Sample.pod("shop", "web-0", context: "Prod", tag: "Prod")], context: "Prod")
    let reply = Reply.interfaces([ListingHead(Sample.cluster), ListingHead(further)])
    try expectGolden("interfaces-two-contexts.txt", reply)
    var lint = try WiresharkLint(reply)
    try lint.checkInterfaces()
    #expect(lint.problems == [])
  }

  @Test func dlts() throws {
    try expectGolden("dlts.txt", Reply.dlts())
  }

  @Test func config() throws {
    try expectGolden("config-portal.txt", Reply.portal(Sample.view, for: new))
    try expectGolden("config-portal-nothing-known.txt", Reply.portal(nil, for: new))
    let value = try #require(InterfaceValue("pod:shop/web-0"))
    try expectGolden("config-pod.txt", Reply.config(value, entry: pod, for: new))
    try expectGolden("config-pod-unknown.txt", Reply.config(value, entry: nil, for: new))
    try expectGolden(
      "config-portal-4.0.txt",
      Reply.portal(Sample.view, for: WiresharkVersion(major: 4, minor: 0)))
    let node = try #require(InterfaceValue("node:n1"))
    try expectGolden("config-node.txt", Reply.config(node, entry: nil, for: new))
  }

  @Test(arguments: InterfaceValue.Kind.allCases, ["0.0", "4.0", "4.2", "4.4", "4.6", "10.0"])
  func everyConfigPassesTheLint(kind: InterfaceValue.Kind, version: String) throws {
    let wireshark = try #require(WiresharkVersion(version))
    let value = InterfaceValue(kind: kind, namespace: kind == .node ? "" : "shop", name: "x")
    let reply =
      kind == .portal
      ? Reply.portal(Sample.view, for: wireshark)
      : Reply.config(try #require(value), entry: pod, for: wireshark)
    var lint = try WiresharkLint(reply)
    try lint.checkConfig(isPortal: kind == .portal)
    #expect(lint.problems == [])
    // Wireshark 4.0 drops an argument of a type it does not know, and prints a complaint.
    let hasNew = lint.lines.contains { $0.parameters["type"] == "editselector" }
    #expect(hasNew == ["4.4", "4.6", "10.0"].contains(version))
    // The interface can be typed everywhere.
    let interface = lint.lines.first { $0.parameters["call"] == "--interface" }?.parameters
    #expect(interface?["type"] == (hasNew ? "editselector" : "string"))
    #expect(interface?["reload"] == (hasNew ? "true" : nil))
    // Where something is chosen, and what for.
    let tabs = lint.lines.compactMap { $0.parameters["group"] }
    #expect(
      tabs.reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        == ["Target", "Capture", "SSH", "Advanced"])
  }

  /// A list with thousands of choices would hang the dialog.
  @Test func aLongListOfChoicesIsCut() throws {
    let reply = Reply.reload(
      Reload(argument: "pod", options: ["pod": "shop/web-9999"]), of: .portal,
      choices: (0..<10_000).map { Choice("shop/web-\($0)") })
    let lint = try WiresharkLint(reply)
    #expect(lint.problems == [])
    #expect(lint.lines.count == Reply.mostChoices + 2)
    #expect(lint.lines.suffix(2).map { $0.parameters["value"] } == ["", "shop/web-9999"])
  }

  /// A pod of another context would be looked for in the wrong cluster.
  @Test func thePortalOffersPodsOfTheFirstContextOnly() throws {
    let further = Sample.listing([Sample.pod("far", "away", tag: "prod")], context: "prod")
    var view = Sample.view
    view.shown.contexts = ["staging", "prod"]
    view.listings = [ListingHead(Sample.cluster), ListingHead(further)]
    let lint = try WiresharkLint(Reply.portal(view, for: new))
    #expect(!lint.lines.contains { $0.parameters["value"]?.contains("far") == true })
    #expect(lint.lines.contains { $0.parameters["value"] == "shop/web-0" })
    // And none of a further one where the first gave nothing.
    view.listings.removeFirst()
    let none = try WiresharkLint(Reply.portal(view, for: new))
    #expect(!none.lines.contains { $0.parameters["value"]?.contains("far") == true })
  }

  @Test func reload() throws {
    let options = ["namespace": "shop", "pod": "shop/gone"]
    try expectGolden(
      "reload-pod.txt",
      Reply.reload(
        Reload(argument: "pod", options: options), of: .portal,
        choices: Reply.pods(Sample.cluster.entries, in: "shop")))
    try expectGolden(
      "reload-problem.txt",
      Reply.reload(
        Reload(argument: "namespace", options: options), of: .portal, choices: [],
        problem: "The cluster cannot be reached: no route to {host} now."))
    try expectGolden(
      "reload-container.txt",
      Reply.reload(
        Reload(argument: "container", options: ["container": "app"]),
        of: try #require(InterfaceValue("pod:shop/web-0")), choices: Reply.containers(of: pod)))
    try expectGolden(
      "reload-context.txt",
      Reply.reload(
        Reload(argument: "context", options: [:]), of: .portal,
        choices: Reply.contexts(Sample.view)))
    #expect(Reply.reload(Reload(argument: "x", options: [:]), of: .portal, choices: []) == [])
    let node = try #require(InterfaceValue("node:n1"))
    #expect(
      Reply.reload(Reload(argument: "pod", options: [:]), of: node, choices: [Choice("a")]) == [])
  }

  @Test func help() throws {
    try expectGolden("help.txt", Array(Reply.help.utf8))
    #expect(Reply.help.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  /// Every hostile name in every place where a name can stand.
  @Test func hostileNamesPassTheLint() throws {
    for name in Sample.hostileNames {
      let entries =
        [
          Sample.pod("shop", "web-0", node: name, context: name, containers: [name, "app"]),
          Sample.pod("shop", name, context: name, tag: name, containers: [name]),
          Sample.pod(name, "web-0", context: name), Sample.object(.node, "", name, context: name),
          Sample.object(.service, "shop", "api", context: name),
        ]
      let listing = Sample.listing(entries, context: name)
      let view = ListingCache.View(
        shown: Shown(
          written: 1, kubeconfig: Sample.kubeconfig, contexts: [name], known: [name, "staging"]),
        listings: [ListingHead(listing)])
      var list = try WiresharkLint(Reply.interfaces(view.listings))
      try list.checkInterfaces()
      #expect(list.problems == [], "\(name)")
      #expect(list.lines.contains { $0.parameters["value"] == "pod:shop/web-0" })
      var portal = try WiresharkLint(Reply.portal(view, for: new))
      try portal.checkConfig(isPortal: true)
      #expect(portal.problems == [], "\(name)")
      for entry in listing.entries {
        var config = try WiresharkLint(Reply.config(entry.value, entry: entry, for: new))
        try config.checkConfig(isPortal: false)
        #expect(config.problems == [], "\(name)")
      }
      for argument in Argument.all {
        let reload = Reload(argument: argument.name, options: [argument.name: name])
        let reply = Reply.reload(
          reload, of: .portal, choices: [Choice(name, display: name)], problem: name)
        let lint = try WiresharkLint(reply)
        #expect(lint.problems == [], "\(name)")
        #expect(Set(lint.lines.map { $0.parameters["arg"] }).count <= 1)
        #expect(lint.lines.allSatisfy { $0.keyword == "value" })
      }
    }
  }

  @Test func theChoiceThatIsMadeStaysAmongTheChoices() throws {
    for name in Sample.hostileNames where Grammar.exact(name) == name && !name.isEmpty {
      let reload = Reload(argument: "pod", options: ["pod": name])
      let lint = try WiresharkLint(
        Reply.reload(reload, of: .portal, choices: [], problem: "Not now."))
      #expect(lint.lines.map { $0.parameters["value"] } == ["", name])
    }
  }

  /// The defaults that Wireshark shows are those that hold when it sends nothing.
  @Test func selectorsHaveOneDefault() throws {
    let lint = try WiresharkLint(Reply.portal(Sample.view, for: new))
    let values = Dictionary(grouping: lint.lines.filter { $0.keyword == "value" }) {
      $0.parameters["arg"] ?? ""
    }
    for (argument, choices) in values {
      #expect(choices.filter { $0.parameters["default"] == "true" }.count == 1, "\(argument)")
    }
  }
}
