internal import Base
internal import Cluster

/// Something that poddump leaves in the cluster or on a node until it is undone.
///
/// A value that was read back is only made of fields that passed the checks here: a journal that somebody
/// tampered with undoes nothing but what poddump makes.
package enum FarChange: Sendable, Equatable {
  /// A helper pod of route `node`, named `poddump-…`.
  case pod(namespace: String, name: String)
  /// An engine put into a container, named `.poddump-` and hexadecimal digits.
  case file(namespace: String, pod: String, uid: String, container: String, path: String)
  /// An ephemeral container, named `poddump-…`: it cannot be removed, but it can be ended.
  case ephemeralContainer(namespace: String, pod: String, uid: String, container: String)
  /// An engine put onto a node.
  case nodeFile(node: String, path: String)
  /// A shell at the far end of an ssh connection; `start` is its start time in clock ticks since the node
  /// was started, the 22nd field of `/proc/PID/stat` (proc_pid_stat(5)).
  case nodeProcess(node: String, pid: Int, start: UInt64)

  /// What the names of pods and containers of ours begin with.
  package static let prefix = "poddump-"

  /// Whether every field is what poddump itself would put there.
  package var isValid: Bool {
    switch self {
    case .pod(let namespace, let name):
      ResourceName.isLabel(namespace) && ResourceName.isSubdomain(name)
        && name.hasPrefix(Self.prefix)
    case .file(let namespace, let pod, let uid, let container, let path):
      ResourceName.isLabel(namespace) && ResourceName.isSubdomain(pod) && Self.isUID(uid)
        && ResourceName.isLabel(container) && Self.isOurFile(path)
    case .ephemeralContainer(let namespace, let pod, let uid, let container):
      ResourceName.isLabel(namespace) && ResourceName.isSubdomain(pod) && Self.isUID(uid)
        && ResourceName.isLabel(container) && container.hasPrefix(Self.prefix)
    case .nodeFile(let node, let path): ResourceName.isSubdomain(node) && Self.isOurFile(path)
    case .nodeProcess(let node, let pid, let start):
      // 4,194,304 is the most that Linux counts to (proc(5), pid_max); 1 is the node's own first.
      ResourceName.isSubdomain(node) && (2...4_194_304).contains(pid) && start > 0
    }
  }

  /// What it is and where, for people: "file /run/.poddump-7f3a in shop/web, container web".
  package var text: String {
    switch self {
    case .pod(let namespace, let name): "pod \(namespace)/\(name)"
    case .file(let namespace, let pod, _, let container, let path):
      "file \(path) in \(namespace)/\(pod), container \(container)"
    case .ephemeralContainer(let namespace, let pod, _, let container):
      "ephemeral container \(container) of \(namespace)/\(pod)"
    case .nodeFile(let node, let path): "file \(path) on node \(node)"
    case .nodeProcess(let node, let pid, _): "process \(pid) on node \(node)"
    }
  }

  /// Whether a path is one that poddump puts an engine at: absolute, without detours, `.poddump-` and
  /// hexadecimal digits at its end.
  package static func isOurFile(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard path.utf8.count <= 1024, parts.count > 1, parts[0].isEmpty, let name = parts.last,
      name.hasPrefix(".\(prefix)"),
      !parts.contains(".."),
      path.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
    else { return false }
    let id = name.dropFirst(prefix.count + 1).utf8
    return (4...64).contains(id.count) && id.allSatisfy(isHexadecimal)
  }

  /// Whether a text is a UID of the API: hexadecimal digits and dashes (RFC 9562, section 4).
  private static func isUID(_ text: String) -> Bool {
    (8...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}

extension FarChange {
  /// The change as words of a journal's line.
  var words: [String] {
    switch self {
    case .pod(let namespace, let name): ["pod", namespace, name]
    case .file(let namespace, let pod, let uid, let container, let path):
      ["file", namespace, pod, uid, container, path]
    case .ephemeralContainer(let namespace, let pod, let uid, let container):
      ["ephemeral-container", namespace, pod, uid, container]
    case .nodeFile(let node, let path): ["node-file", node, path]
    case .nodeProcess(let node, let pid, let start):
      ["node-process", node, String(pid), String(start)]
    }
  }

  /// Reads a change; nil when the words are none, or not one that poddump makes.
  init?(words: [String]) {
    switch (words.first, words.count) {
    case ("pod", 3): self = .pod(namespace: words[1], name: words[2])
    case ("file", 6):
      self = .file(
        namespace: words[1], pod: words[2], uid: words[3], container: words[4], path: words[5])
    case ("ephemeral-container", 5):
      self = .ephemeralContainer(
        namespace: words[1], pod: words[2], uid: words[3], container: words[4])
    case ("node-file", 3): self = .nodeFile(node: words[1], path: words[2])
    case ("node-process", 4):
      guard let pid = Int(words[2]), let start = UInt64(words[3]) else { return nil }
      self = .nodeProcess(node: words[1], pid: pid, start: start)
    default: return nil
    }
    guard isValid else { return nil }
  }
}
