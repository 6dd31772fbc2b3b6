/// Rights as an RBAC manifest gives them (Kubernetes documentation, "Using RBAC Authorization"): a
/// Role, a ClusterRole, or a List with such and bindings.
package enum RoleManifest {
  /// Why a manifest is no good.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// The rules of all roles in a manifest. A Role holds in its namespace, a ClusterRole in the
  /// namespaces of the RoleBindings that refer to it, or everywhere if there are none. Who is bound
  /// does not matter; other kinds of objects are left aside.
  /// - Throws: ``Failure`` if there is no role in it, or a rule that is none.
  package static func rules(_ manifest: JSON) throws(Failure) -> [Rule] {
    let objects = manifest["items"]?.array ?? [manifest]
    let bindings = objects.filter { $0["kind"] == "RoleBinding" }
    var rules: [Rule] = []
    var roles = 0
    for role in objects where ["Role", "ClusterRole"].contains(role["kind"]?.string ?? "") {
      roles += 1
      let bound = bindings.filter {
        $0[path: ["roleRef", "kind"]] == "ClusterRole"
          && $0[path: ["roleRef", "name"]] == role[path: ["metadata", "name"]]
      }
      let namespaces: [String?]
      if role["kind"] == "Role" {
        namespaces = [role[path: ["metadata", "namespace"]]?.string ?? "default"]
      } else {
        namespaces =
          bound.isEmpty
          ? [nil] : bound.map { $0[path: ["metadata", "namespace"]]?.string ?? "default" }
      }
      for namespace in namespaces {
        for rule in role["rules"]?.array ?? [] {
          rules.append(try self.rule(rule, namespace: namespace))
        }
      }
    }
    guard roles > 0 else { throw Failure(description: "no Role or ClusterRole in it") }
    return rules
  }

  private static func rule(_ json: JSON, namespace: String?) throws(Failure) -> Rule {
    func strings(_ name: String) -> [String] { (json[name]?.array ?? []).compactMap(\.string) }
    let rule = Rule(
      verbs: strings("verbs"), groups: strings("apiGroups"), resources: strings("resources"),
      paths: strings("nonResourceURLs"), names: strings("resourceNames"), namespace: namespace)
    guard !rule.verbs.isEmpty, rule.paths.isEmpty != rule.resources.isEmpty else {
      throw Failure(description: "not a rule: \(json.text)")
    }
    return rule
  }
}
