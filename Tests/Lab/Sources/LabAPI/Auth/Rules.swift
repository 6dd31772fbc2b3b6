/// One rule of a role: which verbs on which resources, or on which other paths
/// (Kubernetes documentation, "Using RBAC Authorization").
package struct Rule: Sendable, Equatable {
  package var verbs: [String]
  package var groups: [String] = []
  package var resources: [String] = []
  package var paths: [String] = []
  /// Objects by name; empty for all.
  package var names: [String] = []
  /// Where the rule holds; nil for everywhere.
  package var namespace: String?

  /// Whether the rule allows what `info` asks for.
  package func allows(_ info: RequestInfo) -> Bool {
    guard verbs.contains(info.verb) || verbs.contains("*") else { return false }
    guard namespace == nil || info.namespace == namespace else { return false }
    guard names.isEmpty || names.contains(info.name ?? "") else { return false }
    guard info.isResource else {
      return paths.contains { path in
        path == "*" || path == info.path
          || (path.hasSuffix("*") && info.path.hasPrefix(String(path.dropLast())))
      }
    }
    let resource =
      info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
    return (groups.contains(info.group) || groups.contains("*"))
      && (resources.contains(resource) || resources.contains("*")
        || (!info.subresource.isEmpty && resources.contains("*/\(info.subresource)")))
  }
}

/// Somebody who has proved who he is.
package struct User: Sendable, Equatable {
  package var name: String
  package var groups: [String]
  package var rules: [Rule]
  /// Why something is allowed, as access reviews say it; nil for members of system:masters, of
  /// whom the authorizer says nothing.
  package var grant: String?

  package func may(_ info: RequestInfo) -> Bool {
    rules.contains { $0.allows(info) }
  }

  /// What everybody may who has proved who he is (system:discovery, system:basic-user,
  /// system:public-info-viewer).
  package static let everybody = [
    Rule(
      verbs: ["create"], groups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
    Rule(
      verbs: ["create"], groups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"]),
    Rule(
      verbs: ["get"],
      paths: [
        "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*",
        "/readyz", "/version", "/version/",
      ]),
  ]

  package static let admin = User(
    name: "lab-admin", groups: ["system:masters", "system:authenticated"],
    rules: everybody + [
      Rule(verbs: ["*"], groups: ["*"], resources: ["*"]), Rule(verbs: ["*"], paths: ["*"]),
    ])

  package static let viewer = User(
    name: "lab-viewer", groups: ["system:authenticated"],
    rules: everybody + [
      Rule(
        verbs: ["get", "list", "watch"], groups: [""],
        resources: ["pods", "nodes", "namespaces", "services", "events"]),
      Rule(verbs: ["get"], groups: [""], resources: ["pods/log"]),
      Rule(
        verbs: ["get", "list", "watch"], groups: ["apps", "batch", "discovery.k8s.io"],
        resources: [
          "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs",
          "endpointslices",
        ]),
    ],
    grant: "RBAC: allowed by ClusterRoleBinding \"lab-viewer\" of ClusterRole \"lab-viewer\" to "
      + "User \"lab-viewer\"")

  /// Somebody with the rights of a manifest.
  package static func bound(_ name: String, rules: [Rule]) -> User {
    User(
      name: name, groups: ["system:authenticated"], rules: everybody + rules,
      grant: "RBAC: allowed by ClusterRoleBinding \"\(name)\" of ClusterRole \"\(name)\" to User "
        + "\"\(name)\"")
  }

  /// Known, but without any role.
  package static let nobody = User(
    name: "lab-nobody", groups: ["system:authenticated"], rules: everybody)

  /// Who sends no credentials at all.
  package static let anonymous = User(
    name: "system:anonymous", groups: ["system:unauthenticated"],
    rules: [
      Rule(
        verbs: ["get"], paths: ["/healthz", "/livez", "/readyz", "/version", "/version/"])
    ])
}

extension Status {
  /// The refusal of a request that the user has no right to.
  package static func forbidden(_ user: User, _ info: RequestInfo) -> Status {
    guard info.isResource else {
      return Status(
        code: 403, reason: "Forbidden",
        message: "forbidden: User \"\(user.name)\" cannot \(info.verb) path \"\(info.path)\"",
        details: [:])
    }
    let type = info.group.isEmpty ? info.resource : "\(info.resource).\(info.group)"
    let object = info.name.map { "\(type) \"\($0)\"" } ?? type
    let resource =
      info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
    let scope = info.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
    return Status(
      code: 403, reason: "Forbidden",
      message: "\(object) is forbidden: User \"\(user.name)\" cannot \(info.verb) resource "
        + "\"\(resource)\" in API group \"\(info.group)\" \(scope)",
      details: .object(
        ("name", info.name.map { .string($0) }),
        ("group", info.group.isEmpty ? nil : .string(info.group)),
        ("kind", .string(info.resource))))
  }
}
