import Testing

@testable import Extcap

struct InterfaceValueTests {
  @Test(arguments: [
    ("poddump", InterfaceValue.Kind.portal, "", "", nil as String?, false),
    ("pod:shop/web-0", .pod, "shop", "web-0", nil, false),
    ("pod:7/1", .pod, "7", "1", nil, false),
    ("deploy:shop/api", .deployment, "shop", "api", nil, false),
    ("sts:shop/db", .statefulSet, "shop", "db", nil, false),
    ("ds:kube-system/agent", .daemonSet, "kube-system", "agent", nil, false),
    ("svc:shop/api", .service, "shop", "api", nil, false),
    ("node:n1.example", .node, "", "n1.example", nil, false),
    ("pod:shop/web-0@staging", .pod, "shop", "web-0", "staging", false),
    ("pod:shop/web-0@~0123456789", .pod, "shop", "web-0", "~0123456789", false),
    ("node:n1@staging", .node, "", "n1", "staging", false),
    ("pod:shop/long~0123456789", .pod, "shop", "long", nil, true),
  ])
  func reads(
    text: String, kind: InterfaceValue.Kind, namespace: String, name: String, tag: String?,
    isShortened: Bool
  ) throws {
    let value = try #require(InterfaceValue(text))
    #expect(value.kind == kind)
    #expect(value.namespace == namespace)
    #expect(value.name == name)
    #expect(value.contextTag == tag)
    #expect(value.isShortened == isShortened)
    #expect(value.text == text)
  }

  @Test(arguments: [
    "", "pod", "pod:", "pod:shop", "pod:shop/", "pod:/web", "pod:Shop/web", "pod:shop/Web",
    "pod:shop/web/x", "pod:sh.op/web", "job:shop/web", "poddump:shop/web", "poddump@x", "node:",
    "node:a/b", "POD:shop/web", "pod:shop/web@", "pod:shop/web@A", "pod:shop/web@~123",
    "pod:shop/web~123", "pod:shop/web~012345678g", "pod:shop/web~0123456789@x", "pod:shop/we b",
    "pod:shop/web\n", "pod:-shop/web", "pod:shop/-web", "extcap", "eth0",
    "pod:" + String(repeating: "n", count: 64) + "/web",
    "pod:shop/" + String(repeating: "x", count: 200),
  ])
  func refuses(text: String) {
    #expect(InterfaceValue(text) == nil)
  }

  @Test func namesOfAllLengthsGiveDistinctValuesThatComeBack() throws {
    var taken: Set<String> = []
    let namespace = String(repeating: "n", count: 63)
    for count in 1...253 {
      for last in ["a", "b"] {
        let name = String(repeating: "x", count: count - 1) + last
        for space in ["s", namespace] {
          for context in [nil, "staging", "Staging"] {
            let value = try #require(
              InterfaceValue(kind: .pod, namespace: space, name: name, context: context))
            #expect(value.text.utf8.count <= InterfaceValue.longest)
            #expect(taken.insert(value.text.lowercased()).inserted)
            #expect(InterfaceValue(value.text) == value)
            let back = try #require(InterfaceValue(value.text))
            #expect(back.namespace == space)
            #expect(back.isShortened ? name.hasPrefix(back.name) : name == back.name)
          }
        }
      }
    }
  }

  @Test func theHashIsTheSameInEveryRun() throws {
    // From the authors' test vectors, http://www.isthe.com/chongo/tech/comp/fnv/
    #expect(StableHash("").sixteenDigits == "cbf29ce484222325")
    #expect(StableHash("a").sixteenDigits == "af63dc4c8601ec8c")
    #expect(StableHash("foobar").sixteenDigits == "85944171f73967e8")
    let long = try #require(
      InterfaceValue(kind: .pod, namespace: "shop", name: String(repeating: "w", count: 253)))
    #expect(
      long.text == "pod:shop/" + String(repeating: "w", count: 180) + "~"
        + StableHash("pod:shop/" + String(repeating: "w", count: 253)).tenDigits)
  }

  @Test func tagsOfContextsAreDistinctWithoutRegardToCase() {
    #expect(InterfaceValue.tag(ofContext: "staging") == "staging")
    let tags = ["Staging", "STAGING", "staging", "a b", "arn:aws:x", "~", "", "日本"]
      .map(InterfaceValue.tag(ofContext:))
    #expect(Set(tags.map { $0.lowercased() }).count == tags.count)
    #expect(tags.allSatisfy { InterfaceValue("pod:a/b@" + $0)?.contextTag == $0 })
  }

  @Test func hostileNamesAreNoValues() {
    for name in Sample.hostileNames {
      for kind in InterfaceValue.Kind.allCases {
        let namespace = kind == .node ? "" : "shop"
        guard let value = InterfaceValue(kind: kind, namespace: namespace, name: name) else {
          continue
        }
        #expect(InterfaceValue(value.text) == value)
        #expect(name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
      }
      if let value = InterfaceValue(kind: .pod, namespace: name, name: "web") {
        #expect(value.namespace == name)
      }
    }
    #expect(InterfaceValue(kind: .portal, namespace: "", name: "x") == nil)
    #expect(InterfaceValue(kind: .node, namespace: "shop", name: "x") == nil)
    #expect(InterfaceValue(kind: .pod, namespace: "", name: "x") == nil)
  }
}
