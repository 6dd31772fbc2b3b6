/// What the API server adds to a pod that somebody creates: defaults of the types, and what the
/// admission plugins ServiceAccount, Priority and DefaultTolerationSeconds add.
package enum PodDefaults {
  /// The spec with all that is added to it.
  /// - Parameters:
  ///   - spec: as it was sent.
  ///   - uid: of the pod; names its token volume.
  /// - Returns: the spec as it is stored.
  package static func spec(_ spec: JSON, uid: String) -> JSON {
    var result = spec
    let hostNetwork = spec["hostNetwork"]?.bool == true
    for list in ["initContainers", "containers"] {
      guard let containers = spec[list]?.array else { continue }
      result[list] = .array(containers.map { container($0, hostNetwork: hostNetwork) })
    }
    result["ephemeralContainers"] = nil
    func add(_ name: String, _ value: JSON) {
      if result[name] == nil || result[name] == .null { result[name] = value }
    }
    add("restartPolicy", "Always")
    add("terminationGracePeriodSeconds", 30)
    add("dnsPolicy", "ClusterFirst")
    add("serviceAccountName", spec["serviceAccount"] ?? "default")
    result["serviceAccount"] = result["serviceAccountName"]
    add("securityContext", [:])
    add("schedulerName", "default-scheduler")
    add("priority", 0)
    add("enableServiceLinks", true)
    add("preemptionPolicy", "PreemptLowerPriority")
    result["tolerations"] = tolerations(spec["tolerations"]?.array ?? [])
    if spec["automountServiceAccountToken"]?.bool != false { addToken(to: &result, uid: uid) }
    return FieldOrder.ordered(result, FieldOrder.spec)
  }

  /// A container with its defaults.
  package static func container(_ container: JSON, hostNetwork: Bool) -> JSON {
    var result = withDefaults(container)
    if let ports = container["ports"]?.array {
      result["ports"] = .array(
        ports.map { port in
          .object(
            ("name", port["name"]),
            ("hostPort", port["hostPort"] ?? (hostNetwork ? port["containerPort"] : nil)),
            ("containerPort", port["containerPort"]), ("protocol", port["protocol"] ?? "TCP"))
        })
    }
    // What is limited is requested, unless something else is said.
    if let limits = container[path: ["resources", "limits"]]?.object {
      var requests = container[path: ["resources", "requests"]]?.object ?? JSONObject()
      for limit in limits.members where requests[limit.name] == nil {
        requests.append(limit.name, limit.value)
      }
      result["resources"] = ["limits": .object(limits), "requests": .object(requests)]
    }
    return FieldOrder.ordered(result, FieldOrder.container)
  }

  /// An ephemeral container with its defaults.
  package static func ephemeralContainer(_ container: JSON) -> JSON {
    FieldOrder.ordered(withDefaults(container), FieldOrder.ephemeralContainer)
  }

  private static func withDefaults(_ container: JSON) -> JSON {
    var result = container
    func add(_ name: String, _ value: JSON) {
      if result[name] == nil || result[name] == .null { result[name] = value }
    }
    add("resources", [:])
    add("terminationMessagePath", "/dev/termination-log")
    add("terminationMessagePolicy", "File")
    let image = ImageReference(container["image"]?.string ?? "")
    add("imagePullPolicy", image?.isLatest == true ? "Always" : "IfNotPresent")
    return result
  }

  private static func tolerations(_ given: [JSON]) -> JSON {
    var all = given
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
      let isTolerated = given.contains { toleration in
        (toleration["key"] == nil || toleration["key"]?.string == key)
          && ["", "NoExecute"].contains(toleration["effect"]?.string ?? "")
      }
      guard !isTolerated else { continue }
      all.append([
        "key": .string(key), "operator": "Exists", "effect": "NoExecute",
        "tolerationSeconds": 300,
      ])
    }
    return .array(all)
  }

  private static func addToken(to spec: inout JSON, uid: String) {
    let name = "kube-api-access-" + uid.filter { $0 != "-" }.suffix(5)
    spec["volumes"] = .array((spec["volumes"]?.array ?? []) + [PodObject.tokenProjection(name)])
    for list in ["initContainers", "containers"] {
      guard let containers = spec[list]?.array else { continue }
      spec[list] = .array(
        containers.map { container in
          var container = container
          container["volumeMounts"] = .array(
            (container["volumeMounts"]?.array ?? []) + [
              [
                "name": .string(name), "readOnly": true,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
              ]
            ])
          return FieldOrder.ordered(container, FieldOrder.container)
        })
    }
  }

  /// `BestEffort`, `Burstable` or `Guaranteed` (Kubernetes documentation, "Pod Quality of Service
  /// Classes").
  package static func qualityOfService(_ spec: JSON) -> String {
    let resources = (spec["containers"]?.array ?? []).map { $0["resources"] }
    func names(_ part: String, _ resource: JSON?) -> Set<String> {
      Set((resource?[part]?.object?.members ?? []).map(\.name))
        .intersection(["cpu", "memory"])
    }
    if resources.allSatisfy({ names("limits", $0).isEmpty && names("requests", $0).isEmpty }) {
      return "BestEffort"
    }
    let isGuaranteed = resources.allSatisfy { resource in
      names("limits", resource).count == 2
        && ["cpu", "memory"].allSatisfy {
          resource?["limits"]?[$0] == (resource?["requests"]?[$0] ?? resource?["limits"]?[$0])
        }
    }
    return isGuaranteed ? "Guaranteed" : "Burstable"
  }
}
