/// Counts the running pods of many workloads in one pass over the pods.
package enum RunningPods {
  /// What pods are sorted by before a selector is tried: a label that it asks for, or the namespace alone.
  private struct Drawer: Hashable {
    var namespace: String
    var key = ""
    var value = ""
  }

  /// How many running pods each workload selects.
  ///
  /// - Parameters:
  ///   - workloads: The workloads.
  ///   - pods: The pods, with their labels.
  /// - Returns: A number for each workload, in their order; 0 for one without a selector.
  package static func counts(of workloads: [Workload], among pods: [Pod]) -> [Int] {
    var drawers: [Drawer: [Int]] = [:]
    for (index, workload) in workloads.enumerated() {
      guard let requirements = workload.selector?.requirements else { continue }
      var drawer = Drawer(namespace: workload.namespace)
      for case .equal(let key, let value) in requirements.prefix(1) {
        (drawer.key, drawer.value) = (key, value)
      }
      drawers[drawer, default: []].append(index)
    }
    var counts = [Int](repeating: 0, count: workloads.count)
    guard !drawers.isEmpty else { return counts }
    for pod in pods where pod.isRunning {
      var candidates = drawers[Drawer(namespace: pod.namespace)] ?? []
      for (key, value) in pod.labels {
        candidates += drawers[Drawer(namespace: pod.namespace, key: key, value: value)] ?? []
      }
      for index in candidates where workloads[index].selector?.matches(pod.labels) == true {
        counts[index] += 1
      }
    }
    return counts
  }
}
