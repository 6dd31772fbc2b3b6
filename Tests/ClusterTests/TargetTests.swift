import Base
import Testing

@testable import Cluster

@Suite struct TargetTests {
  @Test(
    arguments: [
      ("web", nil, .pod, nil, "web"), ("web", "shop", .pod, "shop", "web"),
      ("shop/web", nil, .pod, "shop", "web"), ("shop/web", "shop", .pod, "shop", "web"),
      ("pod/web", nil, .pod, nil, "web"), ("pods/web", "a", .pod, "a", "web"),
      ("po/web", nil, .pod, nil, "web"), ("Pod/web", nil, .pod, nil, "web"),
      ("pod", nil, .pod, nil, "pod"),
      ("kube-system/etcd-n1.example", nil, .pod, "kube-system", "etcd-n1.example"),
      ("deploy/api", nil, .workload(.deployment), nil, "api"),
      ("deployment/api", "shop", .workload(.deployment), "shop", "api"),
      ("deployments/api", nil, .workload(.deployment), nil, "api"),
      ("deployments.apps/api", nil, .workload(.deployment), nil, "api"),
      ("deployment.v1.apps/api", nil, .workload(.deployment), nil, "api"),
      ("sts/db", nil, .workload(.statefulSet), nil, "db"),
      ("ds/agent", nil, .workload(.daemonSet), nil, "agent"),
      ("rs/api-1", nil, .workload(.replicaSet), nil, "api-1"),
      ("rc/old", nil, .workload(.replicationController), nil, "old"),
      ("job/x", nil, .workload(.job), nil, "x"), ("jobs.batch/x", nil, .workload(.job), nil, "x"),
      ("svc/api", nil, .workload(.service), nil, "api"),
      ("node/n1", nil, .node, nil, "n1"), ("no/n1.example.com", nil, .node, nil, "n1.example.com"),
      ("nodes/n1", "shop", .node, nil, "n1"),
      ("shop/deploy/api", nil, .workload(.deployment), "shop", "api"),
      ("shop/svc/api", "shop", .workload(.service), "shop", "api"),
      ("shop/pod/web", nil, .pod, "shop", "web"),
    ] as [(String, String?, Target.Kind, String?, String)])
  func targets(
    _ text: String, _ option: String?, _ kind: Target.Kind, _ namespace: String?, _ name: String
  ) throws {
    let target = try Target(text, namespace: option)
    #expect(target == Target(kind: kind, namespace: namespace, name: name))
    // What is printed reads as the same again.
    #expect(try Target(target.text, namespace: namespace) == target)
  }

  @Test(
    arguments: [
      ("", nil, "empty"), ("/", nil, "nor a namespace"), ("shop/", nil, "empty"),
      ("/web", nil, "nor a namespace"),
      ("a/b/c/d", nil, "too many slashes"), ("a/b/c", nil, "no kind that poddump knows"),
      ("shop/node/n1", nil, "in no namespace"), ("shop/cm/x", nil, "has no packets"),
      ("Shop/deploy/api", nil, "nor a namespace"), ("shop/deploy/", nil, "empty"),
      ("b/web", "a", "-n names a"), ("b/deploy/api", "a", "-n names a"), ("Web", nil, "lower-case"),
      ("we b", nil, "lower-case"),
      ("-web", nil, "lower-case"), ("--all", nil, "lower-case"), ("web\n", nil, "lower-case"),
      ("web;rm -rf", nil, "lower-case"), ("$(id)", nil, "lower-case"), ("shop/../x", nil, "slash"),
      ("cm/x", nil, "has no packets"), ("cronjob/x", nil, "has no packets"),
      ("ns/x", nil, "has no packets"), ("Shop/web", nil, "nor a namespace"),
      ("deployments.batch/x", nil, "nor a namespace"),
      ("widgets.example.com/x", nil, "nor a namespace"),
      ("web", "a/b", "lower-case"), ("web", "", "lower-case"), ("web", "-x", "lower-case"),
    ] as [(String, String?, String)])
  func refused(_ text: String, _ option: String?, _ words: String) throws {
    #expect { try Target(text, namespace: option) } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind == .usage && failure.sentence.contains(words)
        && !failure.sentence.utf8.contains(0x0A) || text.contains("\n")
    }
  }

  /// kubectl's `get pod web` is not two pods.
  @Test(arguments: [["pod", "web"], ["shop/db", "deploy", "api"], ["svc", "pod"]])
  func aKindAndANameAreNoTwoPods(_ words: [String]) {
    #expect { try Target.all(words) } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind == .usage
        && failure.fix?.contains("Write \(words.suffix(2).joined(separator: "/"));") == true
    }
  }

  @Test(arguments: [
    ["pod"], ["pod/pod", "web"], ["pod", "shop/web"], ["web", "pod"], ["secret", "web"],
  ])
  func namesThatAreAlsoKindsAreNames(_ words: [String]) throws {
    let targets = try Target.all(words, namespace: "shop")
    #expect(targets == (try words.map { try Target($0, namespace: "shop") }))
  }

  @Test func mutatedTargetsDoNotTrapAndAreChecked() async {
    var generator = SeededGenerator(seed: 5)
    for original in ["shop/web", "deployments.apps/api", "node/n1.example.com", "a/b/c"] {
      for _ in 0..<1_000 {
        await Task.yield()
        let text = String(decoding: mutated(Array(original.utf8), &generator), as: UTF8.self)
        guard let target = try? Target(text) else { continue }
        #expect(ResourceName.isSubdomain(target.name))
        #expect(target.namespace.map(ResourceName.isLabel) != false)
      }
    }
  }
}

@Suite struct NameCheckTests {
  /// Pods, nodes and workloads may have dots in their names, containers may not.
  @Test(arguments: [("pod", true), ("node", true), ("Deployment", true), ("container", false)])
  func whatNamesMayHaveIsSaidAsItIs(_ kind: String, _ hasDots: Bool) {
    let failure = #expect(throws: Failure.self) { try Kubectl.check("a_b", isValid: false, kind) }
    #expect(failure?.why?.contains("dots") == hasDots)
    #expect(failure?.kind == .usage && failure?.fix != nil)
  }
}
