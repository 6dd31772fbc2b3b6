import Cluster
import Extcap
import Testing

@testable import poddump

/// What of a cluster becomes an interface of Wireshark's.
@Suite struct ListingEntriesTests {
  private static func finds() -> ListingFinds {
    var finds = ListingFinds(context: "lab")
    finds.pods = (0..<3).map { pod("api-\($0)", ["app": "api"], isRunning: $0 < 2) }
    finds.workloads = [.deployment: [], .statefulSet: [], .daemonSet: [], .service: []]
    finds.nodes = []
    return finds
  }

  private static func pod(_ name: String, _ labels: [String: String], isRunning: Bool) -> Pod {
    var pod = Pod(namespace: "shop", name: name)
    pod.labels = labels
    pod.node = "n1"
    pod.phase = isRunning ? "Running" : "Pending"
    var container = Container(name: "app", role: .main)
    if isRunning { container.state = .running }
    pod.containers = [container]
    return pod
  }

  private static func workload(
    _ kind: WorkloadKind, _ name: String, app: String?, desired: Int = 0
  ) -> Workload {
    var workload = Workload(kind: kind, namespace: "shop", name: name)
    workload.desired = desired
    workload.selector = app.flatMap { LabelSelector([.equal(key: "app", value: $0)]) }
    return workload
  }

  @Test func workloadsAndServicesAreInterfaces() throws {
    var finds = Self.finds()
    finds.workloads = [
      .deployment: [
        Self.workload(.deployment, "api", app: "api", desired: 3),
        Self.workload(.deployment, "starting", app: "new", desired: 1),
        Self.workload(.deployment, "scaled-down", app: "old"),
      ],
      .statefulSet: [Self.workload(.statefulSet, "db", app: "db", desired: 2)],
      .daemonSet: [Self.workload(.daemonSet, "agent", app: "agent", desired: 1)],
      .service: [
        Self.workload(.service, "api", app: "api"), Self.workload(.service, "alias", app: nil),
        Self.workload(.service, "empty", app: "none"),
      ],
    ]
    let entries = finds.entries(tag: nil)
    let shown = entries.filter(\.isRunning).map { "\($0.value): \($0.display)" }
    #expect(
      shown == [
        "pod:shop/api-0: shop/api-0 · n1 · lab", "pod:shop/api-1: shop/api-1 · n1 · lab",
        "deploy:shop/api: shop/api · deployment, 2 pods · lab",
        "deploy:shop/starting: shop/starting · deployment, no pod yet · lab",
        "sts:shop/db: shop/db · stateful set, no pod yet · lab",
        "ds:shop/agent: shop/agent · daemon set, no pod yet · lab",
        "svc:shop/api: shop/api · service, 2 pods · lab",
      ])
    // Known all the same, so that their values keep their meaning.
    #expect(
      entries.filter { !$0.isRunning }.map(\.value.text)
        == ["pod:shop/api-2", "deploy:shop/scaled-down", "svc:shop/empty"])
  }

  @Test func furtherContextsHaveTheirTag() {
    let entries = Self.finds().entries(tag: "Prod/EU")
    #expect(entries.count == 3)
    for entry in entries {
      #expect(entry.value.contextTag == InterfaceValue.tag(ofContext: "Prod/EU"))
    }
  }

  @Test func hiddenNamespacesAreHiddenForAll() {
    var finds = Self.finds()
    finds.workloads[.service] = [Self.workload(.service, "api", app: "api")]
    #expect(finds.entries(tag: nil, hidden: ["shop"]).isEmpty)
  }

  /// What could not be asked this time stays as it was; what is gone goes.
  @Test func whatCouldNotBeAskedIsTakenFromTheListingBefore() throws {
    var finds = Self.finds()
    finds.workloads[.deployment] = [Self.workload(.deployment, "api", app: "api", desired: 3)]
    finds.workloads[.service] = [Self.workload(.service, "api", app: "api")]
    let earlier = Listing(
      context: "lab", written: 1, kubeconfig: Kubeconfig(files: []),
      entries: finds.entries(tag: nil))
    finds.workloads = [.statefulSet: [], .daemonSet: [], .service: []]
    let values = finds.entries(tag: nil, earlier: earlier).map(\.value.text)
    #expect(values.contains("deploy:shop/api"))
    #expect(!values.contains("svc:shop/api"))
  }

  @Test func namesThatNoObjectHasAreLeftOut() {
    var finds = Self.finds()
    finds.pods = [Self.pod("Web", [:], isRunning: true), Self.pod("a b", [:], isRunning: true)]
    finds.workloads[.deployment] = [
      Self.workload(.deployment, "a}{value=pod:x/y", app: "a", desired: 1)
    ]
    #expect(finds.entries(tag: nil).isEmpty)
  }
}
