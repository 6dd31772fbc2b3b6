internal import Base

extension AdmissionRefusal.Cause {
  /// The sort of failure.
  var kind: Failure.Kind {
    switch self {
    case .podSecurity, .securityContext, .quota, .webhook, .policy, .forbidden: .denied
    case .staticPod: .noRoute
    case .replaced, .notFound: .notFound
    case .webhookUnreachable, .invalid, .conflict, .exists, .other: .other
    }
  }

  /// The failure's second sentence.
  var why: String {
    switch self {
    case .podSecurity(let level, let violations):
      "The namespace's Pod Security level\(level.map { " \($0.rawValue)" } ?? "") does not allow it"
        + (violations.isEmpty ? "." : ": \(violations.joined(separator: ", ")).")
    case .securityContext(let words):
      "OpenShift has no security context constraint (SCC) for you that allows it"
        + (words.isEmpty ? "." : ": \(words).")
    case .quota(let words): "The namespace's quota or limits do not allow it: \(words)."
    case .webhook(let name, let message):
      "The admission webhook \(name) refused it" + (message.isEmpty ? "." : ": \(message).")
    case .webhookUnreachable(let name, let message):
      "The API server cannot ask the admission webhook \(name): \(message)."
    case .policy(let name, let message):
      "The admission policy \(name) refused it" + (message.isEmpty ? "." : ": \(message).")
    case .forbidden(let denial): KubectlCause.forbidden(denial).why
    case .invalid(let words): "The API server does not take it: \(words)."
    case .staticPod: "It is a static pod, which takes no ephemeral containers."
    case .conflict: "Somebody else keeps changing the pod."
    case .replaced: "The pod has been replaced by another of the same name."
    case .exists: "A pod of this name is there already."
    case .notFound(let words): "The API server says: \(words)."
    case .other(let words): "The API server says: \(words)."
    }
  }

  /// The failure's third sentence.
  var fix: String {
    switch self {
    case .podSecurity:
      "Use a route that adds no container (exec, upload, ssh), or ask whoever runs the cluster."
    case .securityContext:
      "Use route ssh, or ask for an SCC that allows root and the capability NET_RAW; route node also takes hostPID, SYS_ADMIN and SYS_PTRACE."
    case .quota:
      "Free some of the quota, or use a route that adds no pod (exec, upload, debug, ssh)."
    case .webhook, .policy:
      "Use a route that does not meet this rule, or ask whoever runs the cluster."
    case .webhookUnreachable: "Tell whoever runs the cluster; try again when the webhook answers."
    case .forbidden(let denial): KubectlCause.forbidden(denial).fix
    case .invalid: "Check the image and the names in poddump's configuration."
    case .staticPod: "Use another route: exec, upload, ssh or node."
    case .conflict, .exists, .replaced: "Try again."
    case .notFound: "poddump list -A shows what there is."
    case .other: "Try again; -v shows all that the API server said."
    }
  }
}
