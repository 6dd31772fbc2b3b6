/// The members of the API's types in the order of their Go declarations
/// (k8s.io/api/core/v1/types.go, 1.36), in which the server writes them. What is not here does not
/// exist for the server, either.
package enum FieldOrder {
  package static let pod = ["kind", "apiVersion", "metadata", "spec", "status"]

  package static let spec = [
    "volumes", "initContainers", "containers", "ephemeralContainers", "restartPolicy",
    "terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy", "nodeSelector",
    "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "nodeName",
    "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "securityContext",
    "imagePullSecrets", "hostname", "subdomain", "affinity", "schedulerName", "tolerations",
    "hostAliases", "priorityClassName", "priority", "dnsConfig", "readinessGates",
    "runtimeClassName", "enableServiceLinks", "preemptionPolicy", "overhead",
    "topologySpreadConstraints", "setHostnameAsFQDN", "os", "hostUsers", "schedulingGates",
    "resourceClaims", "resources", "hostnameOverride",
  ]

  package static let container = [
    "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources",
    "resizePolicy", "restartPolicy", "restartPolicyRules", "volumeMounts", "volumeDevices",
    "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath",
    "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty",
  ]

  package static let ephemeralContainer = container + ["targetContainerName"]

  /// The known members of an object in order; null and what is unknown is left out.
  package static func ordered(_ value: JSON, _ order: [String]) -> JSON {
    var result = JSONObject()
    for name in order {
      if let member = value[name], member != .null { result.append(name, member) }
    }
    return .object(result)
  }

  /// The paths of members that the server does not know, as strict decoding names them.
  package static func unknown(in pod: JSON) -> [String] {
    func names(_ value: JSON?, _ order: [String], _ path: String) -> [String] {
      (value?.object?.members ?? []).map(\.name).filter { !order.contains($0) }.map { path + $0 }
    }
    let spec = pod["spec"]
    var all = names(pod, Self.pod, "") + names(spec, Self.spec, "spec.")
    for list in ["initContainers", "containers", "ephemeralContainers"] {
      let order = list == "ephemeralContainers" ? ephemeralContainer : container
      for (index, item) in (spec?[list]?.array ?? []).enumerated() {
        all += names(item, order, "spec.\(list)[\(index)].")
      }
    }
    return all
  }
}
