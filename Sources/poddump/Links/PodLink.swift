internal import Base
internal import Cluster

/// What a link `poddump://<context>/<namespace>/<pod>` names. It may come from anywhere: a web page, a chat.
struct PodLink: Sendable, Equatable {
  var context: String
  var namespace: String
  var pod: String

  /// The longest link that is read, in bytes: a context of 500, a namespace of 63 and a pod of 253 fit,
  /// percent-encoded too.
  private static let longest = 3000
  private static let longestContext = 500
  private static let scheme = "poddump://"

  /// Reads a link: three parts and nothing else, so that there is no place for an option.
  ///
  /// - Parameter text: The link.
  /// - Throws: `Failure` of kind `usage`.
  init(_ text: String) throws(Failure) {
    guard text.utf8.count <= Self.longest else { throw Self.malformed("It is too long.") }
    // A scheme's case does not count (RFC 3986, 3.1).
    guard text.prefix(Self.scheme.count).lowercased() == Self.scheme else {
      throw Self.malformed("It does not begin with \(Self.scheme).")
    }
    let rest = text.dropFirst(Self.scheme.count)
    guard rest.utf8.allSatisfy(Self.isOfPath) else {
      throw Self.malformed("There is a character in it that no path has.")
    }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
      .map { PercentCoding.decoded($0) }
    guard parts.count == 3, let context = parts[0], let namespace = parts[1], let pod = parts[2]
    else { throw Self.malformed("It does not name a context, a namespace and a pod.") }
    guard Self.isContext(context) else {
      throw Self.malformed(
        "Its context is none that a link can name: letters, digits and -._~:@/+=, not a dash first."
      )
    }
    guard ResourceName.isLabel(namespace) else {
      throw Self.malformed("\"\(Self.shown(namespace))\" is no name of a namespace.")
    }
    guard ResourceName.isSubdomain(pod) else {
      throw Self.malformed("\"\(Self.shown(pod))\" is no name of a pod.")
    }
    (self.context, self.namespace, self.pod) = (context, namespace, pod)
  }

  /// The characters of a path's segments (RFC 3986, 3.3), the slash and the percent sign.
  private static func isOfPath(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-._~!$&'()*+,;=:@/%".utf8.contains(byte)
    }
  }

  /// Contexts are named by people and their tools: `admin@prod`, `arn:aws:eks:…:cluster/prod`. What could look
  /// like another one, or like markup, in the question stays out.
  private static func isContext(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= longestContext, text.utf8.first != UInt8(ascii: "-")
    else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-._~:@/+=".utf8.contains(byte)
      }
    }
  }

  private static func shown(_ name: String) -> String {
    printable(name, limit: 80).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private static func malformed(_ why: String) -> Failure {
    Failure(
      .usage, "This is no link that poddump opens.", why: why,
      fix:
        "Such a link is poddump://CONTEXT/NAMESPACE/POD, with %2F for a slash in the context's name."
    )
  }

  /// The same with the context as the kubeconfig has it: the first part of a link is written in lower case
  /// by some programs, as if it were a host.
  ///
  /// - Parameter known: The contexts that there are.
  /// - Returns: The link.
  /// - Throws: `Failure` of kind `notFound`.
  func resolved(among known: [String]) throws(Failure) -> PodLink {
    if known.contains(context) { return self }
    let alike = known.filter { $0.lowercased() == context.lowercased() && Self.isContext($0) }
    guard alike.count == 1 else {
      throw Failure(
        .notFound, "There is no context \(context).",
        why: "The link is for a cluster that your kubeconfig does not have under this name.",
        fix: "kubectl config get-contexts shows those there are.")
    }
    var link = self
    link.context = alike[0]
    return link
  }

  /// The question before anything is started.
  var question: String {
    """
    A link asks to capture the packets of a pod, and to show them in Wireshark.

    Context: \(context)
    Namespace: \(namespace)
    Pod: \(pod)

    Capture?
    """
  }

  /// What Wireshark is started with: the portal and its settings, which name the context. The pod's own
  /// interface would mean the context of whichever list was printed last.
  var arguments: [String] {
    // What was saved for another pod must not be taken for this one.
    let settings = [
      ("context", context), ("namespace", namespace), ("pod", pod), ("container", ""),
      ("interface", ""),
    ]
    return ["-k", "-i", "poddump"]
      + settings.flatMap { ["-o", "extcap.poddump.\($0.0):\($0.1)"] }
  }
}
