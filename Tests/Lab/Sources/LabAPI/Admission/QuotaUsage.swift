/// A ResourceQuota and the pods that it counts (Kubernetes documentation, "Resource Quotas"): the
/// number of pods, and what their containers request and are limited to.
package struct QuotaUsage {
  private let name: String
  private let hard: [(resource: String, amount: String)]
  private let used: [String: String]

  package init(_ quota: JSON) {
    name = quota[path: ["metadata", "name"]]?.string ?? ""
    hard = (quota[path: ["spec", "hard"]]?.stringMap ?? [:]).sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
    used = quota[path: ["status", "used"]]?.stringMap ?? [:]
  }

  /// Why the quota does not let the pod be; nil if it does.
  package func complaint(about pod: JSON) -> String? {
    let containers = pod[path: ["spec", "containers"]]?.array ?? []
    let missing = hard.filter { $0.resource.contains(".") }.compactMap { resource, _ -> String? in
      let without = containers.filter { Self.amount(of: resource, in: $0) == nil }
        .compactMap { $0["name"]?.string }
      return without.isEmpty ? nil : "\(resource) for: \(without.joined(separator: ","))"
    }
    guard missing.isEmpty else {
      return "failed quota: \(name): must specify \(missing.joined(separator: "; "))"
    }
    let exceeded = hard.filter { resource, amount in
      let sum = Quantity(used[resource] ?? "0") + Self.request(of: resource, by: pod)
      return sum > Quantity(amount)
    }
    guard !exceeded.isEmpty else { return nil }
    func list(_ text: (String) -> String) -> String {
      exceeded.map { "\($0.resource)=\(text($0.resource))" }.joined(separator: ",")
    }
    return "exceeded quota: \(name), requested: "
      + list { Self.written(of: $0, by: pod) } + ", used: " + list { used[$0] ?? "0" }
      + ", limited: " + list { resource in hard.first { $0.resource == resource }?.amount ?? "" }
  }

  /// What the pods use of each resource that a quota limits.
  package static func used(of hard: [String: String], by pods: [JSON]) -> [String: String] {
    var used: [String: String] = [:]
    let living = pods.filter {
      !["Succeeded", "Failed"].contains($0[path: ["status", "phase"]]?.string ?? "")
    }
    for (resource, limit) in hard {
      let sum = living.reduce(Quantity("0")) { $0 + request(of: resource, by: $1) }
      used[resource] = sum.text(like: limit)
    }
    return used
  }

  private static func amount(of resource: String, in container: JSON) -> String? {
    let parts = resource.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    switch container["resources"]?[parts[0]]?[parts[1]] {
    case .string(let text): return text
    case .integer(let number): return String(number)
    default: return nil
    }
  }

  private static func request(of resource: String, by pod: JSON) -> Quantity {
    guard resource != "pods" else { return Quantity("1") }
    return (pod[path: ["spec", "containers"]]?.array ?? []).reduce(Quantity("0")) {
      $0 + Quantity(amount(of: resource, in: $1) ?? "0")
    }
  }

  private static func written(of resource: String, by pod: JSON) -> String {
    let containers = pod[path: ["spec", "containers"]]?.array ?? []
    if resource != "pods", containers.count == 1 {
      return amount(of: resource, in: containers[0]) ?? "0"
    }
    return request(of: resource, by: pod).text(like: "")
  }
}

/// An amount in thousandths (apimachinery, "Quantity"): `100m`, `64Mi`, `1`.
struct Quantity: Comparable {
  var thousandths: Int

  private static let units: [(suffix: String, factor: Int)] = [
    ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40), ("k", 1000),
    ("M", 1_000_000), ("G", 1_000_000_000),
  ]

  /// What cannot be read counts as nothing.
  init(_ text: String) {
    if text.hasSuffix("m") {
      thousandths = Int(text.dropLast()) ?? 0
    } else if let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }) {
      thousandths = (Int(text.dropLast(unit.suffix.count)) ?? 0) * unit.factor * 1000
    } else {
      thousandths = Int(((Double(text) ?? 0) * 1000).rounded())
    }
  }

  static func + (left: Quantity, right: Quantity) -> Quantity {
    var sum = left
    sum.thousandths += right.thousandths
    return sum
  }

  static func < (left: Quantity, right: Quantity) -> Bool { left.thousandths < right.thousandths }

  /// The amount in the unit of another one, if it is a multiple of it.
  func text(like other: String) -> String {
    let unit = Self.units.first { other.hasSuffix($0.suffix) }
    if let unit, thousandths > 0, thousandths % (unit.factor * 1000) == 0 {
      return "\(thousandths / unit.factor / 1000)\(unit.suffix)"
    }
    return thousandths % 1000 == 0 ? String(thousandths / 1000) : "\(thousandths)m"
  }
}
