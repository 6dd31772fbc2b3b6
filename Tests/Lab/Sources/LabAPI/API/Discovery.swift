/// The documents by which a client learns what the server has
/// (Kubernetes documentation, "The Kubernetes API", sections on discovery).
package enum Discovery {
  /// The version of the server that the recordings were made with.
  package static let version: JSON = [
    "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
    "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.2",
    "gitCommit": "8e16b12fda5b1dccc41a6de48b3e356cc7d5048b", "gitTreeState": "clean",
    "buildDate": "2026-08-21T00:00:00Z", "goVersion": "go1.26.6", "compiler": "gc",
    "platform": "linux/amd64",
  ]

  package static let aggregatedContentType =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

  /// The groups other than the core, in order.
  private static var groups: [String] {
    var groups: [String] = []
    for type in ResourceType.all where !type.group.isEmpty && !groups.contains(type.group) {
      groups.append(type.group)
    }
    return groups
  }

  /// The answer to `/api`.
  package static func coreVersions(serverAddress: String) -> JSON {
    [
      "kind": "APIVersions", "versions": ["v1"],
      "serverAddressByClientCIDRs": [
        ["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]
      ],
    ]
  }

  /// The answer to `/apis`.
  package static var groupList: JSON {
    [
      "kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map { group($0) }),
    ]
  }

  /// One entry of the list of groups.
  package static func group(_ name: String) -> JSON {
    let version: JSON = ["groupVersion": .string("\(name)/v1"), "version": "v1"]
    return ["name": .string(name), "versions": [version], "preferredVersion": version]
  }

  /// The answer to `/apis/GROUP`; nil for a group that does not exist.
  package static func groupDocument(_ name: String) -> JSON? {
    guard groups.contains(name) else { return nil }
    var document: JSON = ["kind": "APIGroup", "apiVersion": "v1"]
    for member in group(name).object?.members ?? [] { document[member.name] = member.value }
    return document
  }

  /// The answer to `/api/v1` and `/apis/GROUP/v1`; nil for a group that does not exist.
  package static func resourceList(group: String) -> JSON? {
    let types = ResourceType.all.filter { $0.group == group }
    guard !types.isEmpty else { return nil }
    var resources: [JSON] = []
    for type in types {
      resources.append(
        .object(
          ("name", .string(type.plural)), ("singularName", .string(type.singular)),
          ("namespaced", .bool(type.isNamespaced)), ("kind", .string(type.kind)),
          ("verbs", strings(type.verbs)), ("shortNames", strings(type.shortNames, orNil: true)),
          ("categories", strings(type.categories, orNil: true)),
          ("storageVersionHash", type.storageVersionHash.map { .string($0) })))
      for subresource in type.subresources {
        resources.append(
          .object(
            ("name", .string("\(type.plural)/\(subresource.name)")), ("singularName", ""),
            ("namespaced", .bool(type.isNamespaced)),
            ("group", subresource.group.isEmpty ? nil : .string(subresource.group)),
            ("version", subresource.version.isEmpty ? nil : .string(subresource.version)),
            ("kind", .string(subresource.kind)), ("verbs", strings(subresource.verbs))))
      }
    }
    return .object(
      ("kind", "APIResourceList"), ("apiVersion", group.isEmpty ? nil : "v1"),
      ("groupVersion", .string(group.isEmpty ? "v1" : "\(group)/v1")),
      ("resources", .array(resources)))
  }

  /// Everything below `/api` (core) or `/apis` (the rest) in one document.
  package static func aggregated(core: Bool) -> JSON {
    let items: [JSON] = (core ? [""] : groups).map { group in
      [
        "metadata": group.isEmpty ? [:] : ["name": .string(group)],
        "versions": [
          [
            "version": "v1",
            "resources": .array(ResourceType.all.filter { $0.group == group }.map(aggregated)),
            "freshness": "Current",
          ]
        ],
      ]
    }
    return [
      "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": [:],
      "items": .array(items),
    ]
  }

  private static func aggregated(_ type: ResourceType) -> JSON {
    func kind(_ kind: String, group: String = "", version: String = "") -> JSON {
      ["group": .string(group), "version": .string(version), "kind": .string(kind)]
    }
    let subresources = type.subresources.map { subresource -> JSON in
      [
        "subresource": .string(subresource.name), "responseKind": kind(subresource.kind),
        "verbs": strings(subresource.verbs),
      ]
    }
    return .object(
      ("resource", .string(type.plural)), ("responseKind", kind(type.kind)),
      ("scope", type.isNamespaced ? "Namespaced" : "Cluster"),
      ("singularResource", .string(type.singular)), ("verbs", strings(type.verbs)),
      ("shortNames", strings(type.shortNames, orNil: true)),
      ("categories", strings(type.categories, orNil: true)),
      ("subresources", subresources.isEmpty ? nil : .array(subresources)))
  }

  private static func strings(_ strings: [String]) -> JSON { .array(strings.map { .string($0) }) }

  private static func strings(_ strings: [String], orNil: Bool) -> JSON? {
    strings.isEmpty ? nil : self.strings(strings)
  }
}
