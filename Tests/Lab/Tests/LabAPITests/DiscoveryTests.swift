import Testing

@testable import LabAPI

/// Whatever discovery says is what the real server says; it only says less.
struct DiscoveryTests {
  @Test func `the version is the recorded one`() throws {
    try expectSame(Discovery.version, Recordings.json("discovery/version.json"))
  }

  @Test(arguments: [
    ("api-v1", ""), ("apis-apps-v1", "apps"), ("apis-batch-v1", "batch"),
    ("apis-authorization-v1", "authorization.k8s.io"), ("apis-discovery-v1", "discovery.k8s.io"),
  ])
  func `resources are as recorded`(_ recording: String, _ group: String) throws {
    let recorded = try Recordings.json("discovery/\(recording).json")
    let list = try #require(Discovery.resourceList(group: group))
    let known = recorded["resources"]?.array ?? []
    for resource in list["resources"]?.array ?? [] {
      let expected = known.first { $0["name"] == resource["name"] }
      expectSame(resource, expected)
    }
    var head = list
    var expectedHead = recorded
    head["resources"] = nil
    expectedHead["resources"] = nil
    expectSame(head, expectedHead)
  }

  @Test func `groups are as recorded`() throws {
    let recorded = try Recordings.json("discovery/apis.json")
    for group in Discovery.groupList["groups"]?.array ?? [] {
      let expected = recorded["groups"]?.array?.first { $0["name"] == group["name"] }
      expectSame(group, expected)
    }
    let api = try Recordings.json("discovery/api.json")
    expectSame(Discovery.coreVersions(serverAddress: "198.51.100.1:6443"), api)
  }

  @Test(arguments: [("api-aggregated", true), ("apis-aggregated", false)])
  func `the aggregated documents are as recorded`(_ recording: String, _ core: Bool) throws {
    let recorded = try Recordings.json("discovery/\(recording).json")
    let document = Discovery.aggregated(core: core)
    for item in document["items"]?.array ?? [] {
      let known = try #require(
        recorded["items"]?.array?.first { $0["metadata"] == item["metadata"] })
      let versions = item["versions"]?.array ?? []
      #expect(versions.count == 1)
      let expected = known["versions"]?.array?.first { $0["version"] == "v1" }
      expectSame(versions.first?["freshness"], expected?["freshness"])
      for resource in versions.first?["resources"]?.array ?? [] {
        var twin = expected?["resources"]?.array?.first { $0["resource"] == resource["resource"] }
        let served = Set(
          (resource["subresources"]?.array ?? []).compactMap { $0["subresource"]?.string })
        if let subresources = twin?["subresources"]?.array {
          let left = subresources.filter { served.contains($0["subresource"]?.string ?? "") }
          twin?["subresources"] = left.isEmpty ? nil : .array(left)
        }
        expectSame(resource, twin)
      }
    }
  }
}
