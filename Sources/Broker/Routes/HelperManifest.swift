internal import Base
internal import Cluster

/// The pod of route `node`, as a manifest: as little as finds a pod's process and enters its network.
struct HelperManifest {
  let name: String
  let namespace: String
  let node: String
  let image: String
  /// "shop/web": what it is for.
  let target: String
  /// Whether it is to be in the node's own network: for a node, or a pod that shares its network.
  let isHostNetwork: Bool
  /// Whether it is to find a pod's process.
  let findsProcess: Bool
  /// When it ends at the latest, in seconds; 0 for no limit.
  let lifetime: Int
  /// When, in seconds since 1970, anybody may delete it; nil for never.
  let expires: Int?

  /// The container's name.
  static let container = "poddump"
  /// The most memory that it may use, in bytes.
  static let memoryLimit = 128 << 20
  /// The room for an engine that its image may lack, in MiB, of that memory: twice the largest.
  private static let room = 2 * EngineFile.maximumSize >> 20

  /// Entering a network namespace takes SYS_ADMIN (setns(2)), and looking at another's /proc/PID/ns
  /// SYS_PTRACE (proc_pid_ns(5)); a packet socket NET_RAW (packet(7)); the other two are for a tcpdump that
  /// changes its user.
  private var capabilities: [String] {
    (findsProcess ? ["SYS_ADMIN", "SYS_PTRACE"] : []) + ["NET_RAW", "SETUID", "SETGID"]
  }

  var manifest: JSONText {
    var metadata: [(String, JSONText)] = [
      ("name", .string(name)), ("namespace", .string(namespace)),
      (
        "labels",
        .object([
          ("app.kubernetes.io/name", .string("poddump")),
          (HelperPod.label.name, .string(HelperPod.label.value)),
          ("poddump/session", .string(String(name.dropFirst(FarChange.prefix.count)))),
        ])
      ),
    ]
    var annotations: [(String, JSONText)] = [
      (HelperPod.userAnnotation, .string(UserName.current)), ("poddump/target", .string(target)),
    ]
    if let expires {
      annotations.append((HelperPod.expiryAnnotation, .string(Timestamp.text(expires))))
    }
    metadata.append(("annotations", .object(annotations)))
    var spec: [(String, JSONText)] = [
      // Past the scheduler, which a full or cordoned node would not get through; NoExecute taints count
      // all the same.
      ("nodeName", .string(node)),
      ("tolerations", .array([.object([("operator", .string("Exists"))])])),
      ("restartPolicy", .string("Never")), ("terminationGracePeriodSeconds", .number(0)),
      ("automountServiceAccountToken", .bool(false)), ("enableServiceLinks", .bool(false)),
    ]
    if lifetime > 0 { spec.append(("activeDeadlineSeconds", .number(lifetime + 60))) }
    if findsProcess { spec.append(("hostPID", .bool(true))) }
    if isHostNetwork { spec.append(("hostNetwork", .bool(true))) }
    let container: [(String, JSONText)] = [
      ("name", .string(Self.container)), ("image", .string(image)),
      ("imagePullPolicy", .string("IfNotPresent")),
      ("command", .strings(Caretaker.command(name: name, lifetime: lifetime, image: image))),
      (
        "resources",
        .object([
          ("requests", .object([("cpu", .string("10m")), ("memory", .string("16Mi"))])),
          (
            "limits",
            .object([("cpu", .string("1")), ("memory", .string("\(Self.memoryLimit >> 20)Mi"))])
          ),
        ])
      ),
      (
        "securityContext",
        .object([
          ("runAsUser", .number(0)), ("runAsNonRoot", .bool(false)),
          ("allowPrivilegeEscalation", .bool(false)), ("readOnlyRootFilesystem", .bool(true)),
          ("seccompProfile", .object([("type", .string("RuntimeDefault"))])),
          (
            "capabilities",
            .object([("drop", .strings(["ALL"])), ("add", .strings(capabilities))])
          ),
        ])
      ),
      (
        "volumeMounts",
        .array([.object([("name", .string("tmp")), ("mountPath", .string("/tmp"))])])
      ),
    ]
    spec += [
      (
        "volumes",
        .array([
          .object([
            ("name", .string("tmp")),
            (
              "emptyDir",
              .object([
                ("medium", .string("Memory")), ("sizeLimit", .string("\(Self.room)Mi")),
              ])
            ),
          ])
        ])
      ), ("containers", .array([.object(container)])),
    ]
    return .object([
      ("apiVersion", .string("v1")), ("kind", .string("Pod")), ("metadata", .object(metadata)),
      ("spec", .object(spec)),
    ])
  }
}
