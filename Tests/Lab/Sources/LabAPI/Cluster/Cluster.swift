internal import Foundation
internal import Synchronization

/// The lab as a cluster: keeps the store's objects in step with `lab.json` and with each other, and
/// ends pods.
package final class Cluster: Sendable {
  package let store: Store
  let kubelet: Kubelet
  let file: Mutex<LabFile>
  /// Pods that were deleted through the API; an older `lab.json` does not bring them back.
  let deletedPods = Mutex<Set<String>>([])
  private let extraPods = Mutex<Int>(0)

  package init(store: Store = Store()) {
    self.store = store
    kubelet = Kubelet(store: store)
    file = Mutex(LabFile())
  }

  // MARK: Following lab.json

  /// Makes the store follow a newer `lab.json`. What did not change there keeps what has been
  /// changed through the API.
  package func load(_ new: LabFile) {
    var new = new
    let deleted = deletedPods.withLock { $0 }
    new.pods.removeAll { deleted.contains($0.uid) }
    let old = file.withLock { file in
      defer { file = new }
      return file
    }
    kubelet.configure(new)
    let now = Timestamp.now
    for namespace in new.namespaces where !old.namespaces.contains(namespace) {
      put(.namespaces, ObjectKey(name: namespace.name)) {
        NamespaceObject(namespace, created: $0 ?? now).json
      }
    }
    for namespace in old.namespaces
    where !new.namespaces.contains(where: { $0.name == namespace.name }) {
      store.remove(.namespaces, ObjectKey(name: namespace.name))
    }
    for node in new.nodes where !old.nodes.contains(node) || new.pods != old.pods {
      let images = Set(
        new.pods.filter { $0.node == node.name }.flatMap { $0.containers.map(\.image) })
      put(.nodes, ObjectKey(name: node.name)) {
        NodeObject(node, images: images.sorted(), created: $0 ?? now).json
      }
    }
    for node in old.nodes where !new.nodes.contains(where: { $0.name == node.name }) {
      store.remove(.nodes, ObjectKey(name: node.name))
    }
    for service in new.services where !old.services.contains(service) {
      put(.services, ObjectKey(namespace: service.namespace, name: service.name)) {
        ServiceObject(service, created: $0 ?? now).json
      }
    }
    for service in old.services where !new.services.contains(where: { $0.uid == service.uid }) {
      store.remove(.services, ObjectKey(namespace: service.namespace, name: service.name))
    }
    for pod in new.pods where !old.pods.contains(pod) { follow(pod, in: new) }
    for pod in old.pods where !new.pods.contains(where: { $0.key == pod.key }) {
      removePod(pod.key, uid: pod.uid)
    }
    for workload in old.workloads where !new.workloads.contains(where: { $0.uid == workload.uid }) {
      if let type = ResourceType.workload(workload.kind) {
        store.remove(type, ObjectKey(namespace: workload.namespace, name: workload.name))
      }
      if let name = workload.replicaSet?.name {
        store.remove(.replicaSets, ObjectKey(namespace: workload.namespace, name: name))
      }
    }
    updateFollowers()
  }

  /// Brings a pod of the lab up to date; what its ephemeral containers are, only the API knows.
  private func follow(_ pod: LabFile.Pod, in file: LabFile) {
    let hostIP = file.nodes.first { $0.name == pod.node }?.internalIP
    if let uid = store.object(.pods, pod.key)?.json[path: ["metadata", "uid"]]?.string,
      uid != pod.uid
    {
      removePod(pod.key, uid: uid)
    }
    store.put(.pods, pod.key) { revision, previous in
      let before = previous?.json
      let created = before?[path: ["metadata", "creationTimestamp"]]?.string.flatMap {
        Timestamp($0)
      }
      var json = PodObject(pod, hostIP: hostIP, created: created ?? .now).json
      if let before {
        if let containers = before[path: ["spec", "ephemeralContainers"]] {
          json.update("spec") { $0.set("ephemeralContainers", containers, after: "containers") }
        }
        if let statuses = before[path: ["status", "ephemeralContainerStatuses"]] {
          json.update("status") { $0["ephemeralContainerStatuses"] = statuses }
        }
        for name in ["labels", "annotations", "generation"] {
          json.update("metadata") { $0[name] = before[path: ["metadata", name]] ?? $0[name] }
        }
      }
      if let previous,
        StoredObject(json, type: .pods, revision: previous.revision).item == previous.item
      {
        return nil
      }
      return StoredObject(json, type: .pods, revision: revision)
    }
  }

  /// Removes a pod unless another one has taken its name.
  func removePod(_ key: ObjectKey, uid: String) {
    guard store.object(.pods, key)?.json[path: ["metadata", "uid"]]?.string == uid else { return }
    store.remove(.pods, key)
  }

  /// Stores an object unless it is there already just so. `make` gets the time of the present
  /// object's creation, if there is one.
  func put(_ type: ResourceType, _ key: ObjectKey, _ make: (Timestamp?) -> JSON) {
    store.put(type, key) { revision, previous in
      let before = previous?.json
      let created = before?[path: ["metadata", "creationTimestamp"]]?.string.flatMap {
        Timestamp($0)
      }
      let json = make(created)
      if let previous,
        StoredObject(json, type: type, revision: previous.revision).item == previous.item
      {
        return nil
      }
      return StoredObject(json, type: type, revision: revision)
    }
  }

  /// Workloads count their pods and endpoint slices name them: brings both up to date.
  func updateFollowers() {
    let file = self.file.withLock { $0 }
    let now = Timestamp.now
    for workload in file.workloads {
      let labels = LabelSelector(matching: workload.selector)
      let pods = store.list(
        Selection(type: .pods, namespace: workload.namespace, labels: labels)
      ).objects.map(\.json)
      let living = pods.filter { $0[path: ["metadata", "deletionTimestamp"]] == nil }
      let ready = living.filter { pod in
        (pod[path: ["status", "conditions"]]?.array ?? []).contains {
          $0["type"] == "Ready" && $0["status"] == "True"
        }
      }
      let containers =
        file.pods.first {
          $0.namespace == workload.namespace && labels.matches($0.labels ?? [:])
        }?.containers ?? []
      func object(_ created: Timestamp?) -> WorkloadObject {
        WorkloadObject(
          workload, containers: containers, replicas: living.count, ready: ready.count,
          created: created ?? now)
      }
      if let type = ResourceType.workload(workload.kind) {
        put(type, ObjectKey(namespace: workload.namespace, name: workload.name)) {
          object($0).json
        }
      }
      if let replicaSet = workload.replicaSet {
        put(.replicaSets, ObjectKey(namespace: workload.namespace, name: replicaSet.name)) {
          object($0).replicaSet ?? [:]
        }
      }
    }
    for namespace in file.namespaces {
      guard let quota = namespace.quota else { continue }
      let pods = store.list(Selection(type: .pods, namespace: namespace.name)).objects.map(\.json)
      let used = QuotaUsage.used(of: quota.hard, by: pods)
      put(.resourceQuotas, ObjectKey(namespace: namespace.name, name: quota.name)) { created in
        QuotaObject(
          quota: quota, namespace: namespace.name, used: used, created: created ?? now
        ).json
      }
    }
    for service in file.services {
      guard let selector = service.selector else { continue }
      let pods = store.list(
        Selection(
          type: .pods, namespace: service.namespace, labels: LabelSelector(matching: selector)))
      let object = ServiceObject(service, created: now)
      let slice = object.endpointSlice(pods: [])
      let name = slice[path: ["metadata", "name"]]?.string ?? service.name
      put(.endpointSlices, ObjectKey(namespace: service.namespace, name: name)) { created in
        ServiceObject(service, created: created ?? now)
          .endpointSlice(pods: pods.objects.map(\.json))
      }
    }
  }

  // MARK: Load

  /// Has exactly so many further pods in the listings, in the namespaces load-0 to load-9.
  package func setExtraPods(_ count: Int) {
    let before = extraPods.withLock { before in
      defer { before = count }
      return before
    }
    let nodes = file.withLock { $0.nodes }
    let template = ExtraPods(nodes: nodes, created: .now)
    for number in stride(from: before - 1, through: count, by: -1) where number >= count {
      store.remove(.pods, ExtraPods.key(number))
    }
    for number in 0..<10 {
      let key = ObjectKey(name: ExtraPods.namespace(number))
      if count > 0 {
        let namespace = LabFile.Namespace(name: key.name, uid: Digest.uid(of: key.name))
        put(.namespaces, key) { NamespaceObject(namespace, created: $0 ?? .now).json }
      } else {
        store.remove(.namespaces, key)
      }
    }
    guard before < count else { return }
    for number in before..<count {
      store.put(.pods, ExtraPods.key(number)) { revision, _ in
        template.pod(number, revision: revision)
      }
    }
  }
}

extension JSON {
  /// Changes an object that is a member of this one.
  package mutating func update(_ name: String, _ change: (inout JSONObject) -> Void) {
    var object = self[name]?.object ?? JSONObject()
    change(&object)
    self[name] = .object(object)
  }
}

extension LabFile.Pod {
  package var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
}
