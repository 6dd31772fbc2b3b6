/// A service, and the endpoint slice that follows its pods, as the API server would describe them.
package struct ServiceObject {
  package var service: LabFile.Service
  package var created: Timestamp

  package init(_ service: LabFile.Service, created: Timestamp) {
    (self.service, self.created) = (service, created)
  }

  private var labels: [String: String] { service.labels ?? service.selector ?? [:] }

  private var ports: JSON {
    .array(
      service.ports.map { port in
        .object(
          ("name", port.name.map { .string($0) }), ("protocol", .string(port.protocol ?? "TCP")),
          ("port", .integer(port.port)), ("targetPort", .integer(port.targetPort ?? port.port)))
      })
  }

  package var json: JSON {
    let selector = service.selector.map { JSON.map($0) }
    let spec: JSON = .object(
      ("ports", ports), ("selector", selector), ("clusterIP", .string(service.clusterIP)),
      ("clusterIPs", [.string(service.clusterIP)]), ("type", "ClusterIP"),
      ("sessionAffinity", "None"), ("ipFamilies", ["IPv4"]), ("ipFamilyPolicy", "SingleStack"),
      ("internalTrafficPolicy", "Cluster"))
    var meta = ObjectMeta(
      name: service.name, namespace: service.namespace, uid: service.uid, created: created,
      labels: labels)
    meta.applied(
      apiVersion: "v1", kind: "Service", spec: .object(("ports", ports), ("selector", selector)))
    meta.managedFields = [
      ManagedFields.entry(
        manager: "kubectl-client-side-apply", time: created,
        fields: [
          "metadata": meta.ownedFields,
          "spec": .object(
            ("internalTrafficPolicy", "Cluster"), ("ports", ports), ("selector", selector),
            ("sessionAffinity", "None"), ("type", "ClusterIP")),
        ])
    ]
    return [
      "kind": "Service", "apiVersion": "v1", "metadata": meta.json, "spec": spec,
      "status": ["loadBalancer": [:]],
    ]
  }

  /// The endpoint slice for the pods that the service selects, given as objects; those without an
  /// address are left out.
  package func endpointSlice(pods: [JSON]) -> JSON {
    let endpoints: [JSON] = pods.compactMap { pod in
      guard let address = pod[path: ["status", "podIP"]] else { return nil }
      let conditions = pod[path: ["status", "conditions"]]?.array ?? []
      let ready = conditions.contains { $0["type"] == "Ready" && $0["status"] == "True" }
      let leaving = pod[path: ["metadata", "deletionTimestamp"]] != nil
      return .object(
        ("addresses", [address]),
        (
          "conditions",
          [
            "ready": .bool(ready && !leaving), "serving": .bool(ready),
            "terminating": .bool(leaving),
          ]
        ),
        (
          "targetRef",
          .object(
            ("kind", "Pod"), ("namespace", .string(service.namespace)),
            ("name", pod[path: ["metadata", "name"]]), ("uid", pod[path: ["metadata", "uid"]]))
        ), ("nodeName", pod[path: ["spec", "nodeName"]]))
    }
    var meta = ObjectMeta(
      name: service.name + "-" + String(Digest.hexadecimal(of: service.uid).prefix(5)),
      generateName: service.name + "-", namespace: service.namespace,
      uid: Digest.uid(of: service.uid), generation: 1, created: created, labels: labels,
      annotations: ["endpoints.kubernetes.io/last-change-trigger-time": created.description],
      owner: ObjectMeta.controller(
        kind: "Service", apiVersion: "v1", name: service.name, uid: service.uid))
    meta.labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io"
    meta.labels["kubernetes.io/service-name"] = service.name
    meta.managedFields = [
      ManagedFields.entry(
        manager: "kube-controller-manager", apiVersion: "discovery.k8s.io/v1", time: created,
        fields: [
          "metadata": meta.ownedFields, "addressType": "IPv4", "endpoints": [], "ports": [],
        ])
    ]
    return [
      "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": meta.json,
      "addressType": "IPv4", "endpoints": .array(endpoints),
      "ports": .array(
        service.ports.map { port in
          .object(
            ("name", port.name.map { .string($0) }), ("protocol", .string(port.protocol ?? "TCP")),
            ("port", .integer(port.targetPort ?? port.port)))
        }),
    ]
  }
}
