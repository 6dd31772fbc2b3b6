import Base
import Cluster
import Testing

@testable import Broker

/// Which of the containers that a pod has of us already is used again, and when another one would not help.
@Suite struct OurContainersTests {
  private static let image = "lab/net:1"
  private static let now = 1_000_000
  private static let day = 86_400

  private static func container(
    _ name: String, _ state: Container.State = .running, image: String = image,
    lifetime: Int = 2 * day, age: Int = 0
  ) -> Container {
    var container = Container(name: name, role: .ephemeral)
    // As a webhook may have changed it.
    container.image = "mirror.example/\(image)@sha256:0"
    container.command = Caretaker.command(name: name, lifetime: lifetime, image: image)
    container.state = state
    container.started = now - age
    return container
  }

  private static func usable(_ containers: Container..., ttl: Int = day) -> String? {
    var pod = Pod(namespace: "shop", name: "web")
    pod.ephemeralContainers = containers
    return OurContainers(of: pod, image: image).usable(for: ttl, now: now)?.name
  }

  @Test func theNewestThatRuns() {
    #expect(Self.usable() == nil)
    #expect(
      Self.usable(
        Self.container("poddump-1"), Self.container("poddump-2"),
        Self.container("poddump-3", .terminated(reason: nil, exitCode: 0))) == "poddump-2")
    #expect(Self.usable(Self.container("debugger-1")) == nil)
  }

  @Test func onlyOfTheImageThatIsAskedFor() {
    #expect(Self.usable(Self.container("poddump-1", image: "lab/other:1")) == nil)
    var foreign = Self.container("poddump-1")
    foreign.command = ["sleep", "1000"]
    #expect(Self.usable(foreign) == nil)
  }

  @Test func onlyIfItLivesLongEnough() {
    #expect(Self.usable(Self.container("poddump-1", age: Self.day)) == "poddump-1")
    #expect(Self.usable(Self.container("poddump-1", age: Self.day + 1)) == nil)
    #expect(Self.usable(Self.container("poddump-1", age: Self.day + 1), ttl: 600) == "poddump-1")
    #expect(Self.usable(Self.container("poddump-1"), ttl: 0) == nil)
    #expect(Self.usable(Self.container("poddump-1", lifetime: 0), ttl: 0) == "poddump-1")
    #expect(
      Self.usable(
        Self.container("poddump-1", lifetime: 0), Self.container("poddump-2", age: 2 * Self.day))
        == "poddump-1")
    var silent = Self.container("poddump-1")
    silent.started = nil
    #expect(Self.usable(silent) == nil)
  }

  private static func why(_ containers: Container...) -> String? {
    var pod = Pod(namespace: "shop", name: "web")
    pod.phase = "Running"
    pod.ephemeralContainers = containers
    return OurContainers(of: pod, image: image).trouble("No.")?.why
  }

  @Test(arguments: ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerError"])
  func anotherWouldWaitAsWell(_ reason: String) {
    let state = Container.State.waiting(reason: reason, message: "no such image")
    let why = Self.why(Self.container("poddump-1"), Self.container("poddump-2", state))
    #expect(why?.hasPrefix("Its container poddump-2, added earlier, still waits: ") == true)
    #expect(why?.hasSuffix("no such image.") == true, "\(why ?? "")")
    // With another image it is another matter.
    #expect(Self.why(Self.container("poddump-2", state, image: "lab/other:1")) == nil)
    #expect(Self.why(Self.container("poddump-2", state), Self.container("poddump-3")) == nil)
  }

  @Test func whatIsOnItsWayOrOverIsNoTrouble() {
    for state: Container.State in [
      .waiting(reason: "ContainerCreating", message: nil), .waiting(reason: nil, message: nil),
      .unknown, .terminated(reason: "Completed", exitCode: 0), .running,
    ] {
      #expect(Self.why(Self.container("poddump-1", state)) == nil, "\(state)")
    }
  }
}
