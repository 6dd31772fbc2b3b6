/// The words that kubectl takes for the kinds of a plain cluster: singular, plural, short, and with the
/// API group behind a dot. As with kubectl, case does not matter.
package enum KindWord: Equatable {
  /// A kind that can be captured from.
  case target(Target.Kind)
  /// A kind that has no pods behind it, or none at the time.
  case other

  /// nil when kubectl knows no such kind; it is a namespace then, or a kind of somebody's own.
  package init?(_ word: String) {
    let lower = word.lowercased()
    if let kind = Self.targets[lower] {
      self = .target(kind)
      return
    }
    if Self.others.contains(lower) {
      self = .other
      return
    }
    // RESOURCE.GROUP or RESOURCE.VERSION.GROUP, for the two groups that have workloads.
    for group in [".apps", ".v1.apps", ".batch", ".v1.batch"] where lower.hasSuffix(group) {
      guard let kind = Self.targets[String(lower.dropLast(group.count))],
        case .workload(let workload) = kind,
        group.hasSuffix(workload.resource.group.split(separator: "/")[1])
      else { continue }
      self = .target(kind)
      return
    }
    return nil
  }

  private static let targets: [String: Target.Kind] = [
    "po": .pod, "pod": .pod, "pods": .pod,
    "no": .node, "node": .node, "nodes": .node,
    "deploy": .workload(.deployment), "deployment": .workload(.deployment),
    "deployments": .workload(.deployment),
    "sts": .workload(.statefulSet), "statefulset": .workload(.statefulSet),
    "statefulsets": .workload(.statefulSet),
    "ds": .workload(.daemonSet), "daemonset": .workload(.daemonSet),
    "daemonsets": .workload(.daemonSet),
    "rs": .workload(.replicaSet), "replicaset": .workload(.replicaSet),
    "replicasets": .workload(.replicaSet),
    "job": .workload(.job), "jobs": .workload(.job),
    "svc": .workload(.service), "service": .workload(.service), "services": .workload(.service),
    "rc": .workload(.replicationController),
    "replicationcontroller": .workload(.replicationController),
    "replicationcontrollers": .workload(.replicationController),
  ]

  /// The kinds of Kubernetes 1.36's own discovery documents that are no targets.
  private static let others = Set(
    """
    apiservices apiservice bindings binding certificatesigningrequests certificatesigningrequest csr
    clusterrolebindings clusterrolebinding clusterroles clusterrole componentstatuses componentstatus cs
    configmaps configmap cm controllerrevisions controllerrevision cronjobs cronjob cj csidrivers csidriver
    csinodes csinode csistoragecapacities csistoragecapacity customresourcedefinitions
    customresourcedefinition crd crds deviceclasses deviceclass endpoints ep endpointslices endpointslice
    events event ev flowschemas flowschema horizontalpodautoscalers horizontalpodautoscaler hpa
    ingressclasses ingressclass ingresses ingress ing ipaddresses ipaddress ip leases lease limitranges
    limitrange limits mutatingadmissionpolicies mutatingadmissionpolicy mutatingadmissionpolicybindings
    mutatingadmissionpolicybinding mutatingwebhookconfigurations mutatingwebhookconfiguration namespaces
    namespace ns networkpolicies networkpolicy netpol persistentvolumeclaims persistentvolumeclaim pvc
    persistentvolumes persistentvolume pv poddisruptionbudgets poddisruptionbudget pdb podtemplates
    podtemplate priorityclasses priorityclass pc prioritylevelconfigurations prioritylevelconfiguration
    resourceclaims resourceclaim resourceclaimtemplates resourceclaimtemplate resourcequotas resourcequota
    quota resourceslices resourceslice rolebindings rolebinding roles role runtimeclasses runtimeclass
    secrets secret serviceaccounts serviceaccount sa servicecidrs servicecidr storageclasses storageclass sc
    validatingadmissionpolicies validatingadmissionpolicy validatingadmissionpolicybindings
    validatingadmissionpolicybinding validatingwebhookconfigurations validatingwebhookconfiguration
    volumeattachments volumeattachment volumeattributesclasses volumeattributesclass vac
    """.split(whereSeparator: \.isWhitespace).map(String.init))
}
