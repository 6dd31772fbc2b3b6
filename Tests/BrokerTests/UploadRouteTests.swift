import Base
import Cluster
import Testing

@testable import Broker

/// What routes upload and exec make of a container that an engine is to be brought to.
@Suite struct UploadRouteTests {
  private static let path = "/tmp/.poddump-7f3a0001"

  @Test func theTapIsRunAsItIs() throws {
    let plan = try RouteGround { $0.request.filter = "tcp port 80" }.plan(.upload)
    #expect(plan.route == .upload && plan.engine == "tap" && plan.place == .container)
    #expect(["direct"] + plan.engineArguments == plan.remoteArguments)
    #expect(Array(plan.engineArguments.prefix(3)) == [Self.path, "-i", "eth0"])
    #expect(Array(plan.engineArguments.suffix(3)) == ["--unlink", "-w", "-"])
    let filters = zip(plan.engineArguments, plan.engineArguments.dropFirst())
      .filter { $0.0 == "--filter" }.map { String($0.1.prefix { $0 != ":" }) }
    #expect(filters == ["1", "12"], "Ethernet, and tunnels without a link layer")
    #expect(
      plan.placement
        == Placement(
          RouteGround.tap, directories: ["/tmp", "/run"], session: "7f3a0001", writer: .head))
    #expect(plan.leaves == "nothing: the file is removed as soon as it runs")
    #expect(plan.needs == [ExecRoute.mayExec("shop")])
    let step = try #require(plan.preparations.first)
    #expect(plan.preparations.count == 1 && step.manifest == nil)
    #expect(
      step.text
        == "puts tap (x86_64, 34 KiB) into the container as \(Self.path), through the same connection"
    )
    #expect(step.command == nil)
  }

  /// A filter that only makes sense with a link layer is sent for that alone.
  @Test func aFilterForEthernetAlone() throws {
    let plan = try RouteGround { $0.request.filter = "ether host 02:00:00:00:00:01" }.plan(.upload)
    #expect(plan.engineArguments.filter { $0 == "--filter" }.count == 1)
    #expect(RouteGround { $0.request.filter = "tcp port" }.refusal(.upload)?.kind == .filter)
    // Valid, but not for the tap: another route may have tcpdump.
    #expect(RouteGround { $0.request.filter = "vlan 5" }.refusal(.upload)?.kind == .noRoute)
  }

  private static let writers: [(Set<String>, Placement.Writer)] = [
    (["cat", "chmod", "tar"], .cat), (["head", "chmod", "tar"], .tar),
    (["head", "cat", "chmod"], .head), (["tar"], .tar),
    (["cat", "tar"], .tar), (["chmod", "tar"], .tar),
  ]

  @Test(arguments: writers)
  func whoWrites(_ programs: Set<String>, _ writer: Placement.Writer) throws {
    let plan = try RouteGround {
      $0.inside.programs = programs
    }.plan(.upload)
    #expect(plan.placement?.writer == writer)
    let argv = plan.preparations[0].command?.arguments ?? []
    let there = Array(argv[(argv.firstIndex(of: "--") ?? 0)...].dropFirst())
    switch writer {
    case .head: #expect(plan.preparations[0].command == nil)
    case .cat, .tar:
      #expect(there.prefix(2) == ["sh", "-c"])
      #expect(
        Array(there.dropFirst(3)) == [
          "poddump", Self.path, "/tmp", writer == .cat ? "cat" : "tar", "SHA256", "34528",
          "--facts",
        ])
    }
  }

  /// A change to the ground, and the refusal that it brings, on both roads.
  private static let refused: [(@Sendable (inout RouteGround) -> Void, Failure.Kind, String)] = [
    ({ $0.inside.programs = ["cat", "rm"] }, .noRoute, "neither cat and chmod nor tar"),
    (
      { $0.inside.directories = [] }, .noRoute,
      "no directory where a file can be written and run."
    ),
    (
      {
        $0.inside.directories = []
        $0.container.hasReadOnlyRoot = true
      }, .noRoute, "and run: its root is read-only."
    ),
    (
      {
        $0.inside.effective = 0
        $0.inside.uid = 1000
      }, .denied, "as user 1000 without the capability NET_RAW"
    ),
    ({ $0.inside.machine = "aarch64" }, .noRoute, "no tap for machines of the kind aarch64"),
    ({ $0.inside.machine = nil }, .noRoute, "there is no uname"),
    ({ $0.tools.engines = Engines() }, .noRoute, "is not installed beside it"),
    (
      {
        $0.inside.machine = "aarch64"
        $0.tools.engines.given = RouteGround.tcpdump
      }, .noRoute, "The binary is for x86_64, and the machine there is aarch64."
    ),
    ({ $0.request.interface = "net7" }, .notFound, "no interface net7"),
    ({ $0.isNode = true }, .noRoute, "A node is no container."),
    (
      { $0.container.state = .waiting(reason: "CrashLoopBackOff", message: nil) }, .noRoute,
      "it waits (CrashLoopBackOff)"
    ),
  ]

  @Test(arguments: refused)
  func refusals(
    _ change: @Sendable (inout RouteGround) -> Void, _ kind: Failure.Kind, _ why: String
  ) {
    for route in [RouteName.upload, .exec] {
      let failure = RouteGround {
        $0.request.engine = .tap
        change(&$0)
      }.refusal(route)
      #expect(failure?.kind == kind, "\(route)")
      #expect(failure?.why?.contains(why) == true, "\(route): \(failure?.sentence ?? "none")")
      for sentence in [failure?.what, failure?.why, failure?.fix].compactMap(\.self) {
        #expect(sentence.hasSuffix("."), "\(sentence)")
      }
    }
  }

  /// The file's own capabilities do not count: ours has none.
  @Test func aBoundingSetIsNotEnough() {
    let ground = RouteGround {
      $0.inside.effective = 0
      $0.inside.tcpdump = "/usr/sbin/tcpdump"
    }
    #expect(ground.refusal(.exec) == nil)
    #expect(ground.refusal(.upload)?.kind == .denied)
  }

  @Test func aTcpdumpOnlyWhereOneIsGiven() throws {
    var ground = RouteGround { $0.request.engine = .tcpdump }
    #expect(ground.refusal(.upload)?.why == "There is no tcpdump to bring along.")
    #expect(ground.refusal(.exec)?.why == "The container has no tcpdump.")
    ground.tools.engines.given = RouteGround.tcpdump
    for route in [RouteName.upload, .exec] {
      let plan = try ground.plan(route)
      #expect(plan.route == route && plan.engine == "tcpdump")
      #expect(
        Array(plan.engineArguments.prefix(5)) == [
          "sh", "-c", ContainerEngine.unlinking, Self.path, "-i",
        ])
      #expect(plan.remoteArguments.prefix(2) == ["86415", "20"])
      #expect(plan.preparations[0].text.hasPrefix("puts tcpdump (x86_64, 1465 KiB) into"))
      #expect(plan.preparations[0].command == nil)
    }
    ground.inside.hasSleep = false
    #expect(ground.refusal(.upload)?.why?.contains("no sleep") == true)
    ground.request.ttl = 0
    #expect(ground.refusal(.upload) == nil)
  }

  /// Exec takes what the container has, unless it is told otherwise.
  @Test func execBringsAnEngineOnlyWhenAsked() throws {
    var ground = RouteGround { $0.inside.tcpdump = "/usr/bin/tcpdump" }
    #expect(try ground.plan(.exec).placement == nil)
    ground.request.engine = .tcpdump
    #expect(try ground.plan(.exec).engineArguments.first == "/usr/bin/tcpdump")
    ground.request.engine = .tap
    let tap = try ground.plan(.exec)
    #expect(tap.route == .exec && tap.engine == "tap" && tap.placement != nil)
    ground.request.engine = nil
    ground.tools.engines.given = RouteGround.tcpdump
    let given = try ground.plan(.exec)
    #expect(given.engine == "tcpdump" && given.placement?.file == RouteGround.tcpdump)
  }

  @Test func thePathThatWasFoundReplacesThePlanned() throws {
    let plan = try RouteGround().plan(.upload).running(Self.path, at: "/run/.poddump-7f3a0001")
    #expect(plan.engineArguments.first == "/run/.poddump-7f3a0001")
    #expect(plan.remoteArguments[1] == "/run/.poddump-7f3a0001")
    #expect(!plan.remoteArguments.contains(Self.path))
  }

  @Test func theRootIsADirectoryToo() {
    let placement = Placement(
      RouteGround.tap, directories: ["/"], session: "7f3a", writer: .cat)
    #expect(placement.path == "/.poddump-7f3a")
    #expect(placement.arguments(path: placement.path, digest: "d")[5] == "/")
    #expect(FarChange.isOurFile(placement.path))
  }
}
