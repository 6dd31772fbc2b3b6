internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The part of fact finding that asks what may be added to the cluster. Nothing is created: the API server says
/// what it would do.
extension FactFinder {
  /// Whether the pod has, or may be given, an ephemeral container of ours.
  func debug(_ subject: Subject, _ request: CaptureRequest) async -> Result<DebugFacts, Failure>? {
    guard case .pod(let pod, _) = subject else { return nil }
    do throws(Failure) {
      return .success(try await debugFacts(pod, request, subject))
    } catch {
      return .failure(error)
    }
  }

  private func debugFacts(
    _ pod: Pod, _ request: CaptureRequest, _ subject: Subject
  ) async throws(Failure) -> DebugFacts {
    let what = Facts(subject: subject).refusal(by: .debug)
    guard !pod.isStatic else { throw AdmissionRefusal(.staticPod).failure(what) }
    let exec = Right("create", "pods/exec", namespace: pod.namespace)
    let earlier = OurContainers(of: pod, image: tools.settings.debugImage)
    if let running = earlier.usable(for: request.ttl, now: Int(time(nil))) {
      guard try await kubectl.isAllowed(exec) else { throw missing([exec], what) }
      return DebugFacts(running: running)
    }
    if let failure = earlier.trouble(what) { throw failure }
    let update = Right("update", "pods/ephemeralcontainers", namespace: pod.namespace)
    let patch = Right("patch", "pods/ephemeralcontainers", namespace: pod.namespace)
    async let dryRun = answer(.capturing, pod, request)
    guard try await kubectl.isAllowed(exec) else { throw missing([exec], what) }
    var facts = DebugFacts()
    let refused = try await dryRun.get().refusal
    // A right that the dry run has shown need not be asked for: each question is a kubectl.
    if let refused, case .forbidden = refused.cause {
      let rights = try await kubectl.areAllowed([update, patch])
      guard rights[update] != true else { throw refused.failure(what) }
      guard rights[patch] == true else { throw missing([update], what) }
      facts.byPatch = true
      // Without a dry run, the namespace's label is all there is to go by.
      var level: PodSecurityLevel?
      do throws(Failure) {
        level = try await kubectl.podSecurityLevel(namespace: pod.namespace)
      } catch  where error.kind == .denied {
        facts.missing = Right("get", "namespaces", namespace: pod.namespace)
      } catch {
        // Whether it matters, the attempt will tell.
      }
      switch level {
      case .privileged, nil: break
      case .baseline: facts.security = .default
      case .restricted:
        throw AdmissionRefusal(.podSecurity(level: .restricted, violations: [])).failure(what)
      }
      return facts
    }
    guard let refusal = refused else { return facts }
    // At the level baseline a container may have what its runtime gives it, as long as it does not ask.
    if case .podSecurity = refusal.cause {
      guard let second = try await answer(.default, pod, request).get().refusal else {
        facts.security = .default
        return facts
      }
      throw second.failure(what)
    }
    throw refusal.failure(what)
  }

  private func answer(
    _ security: EphemeralContainer.Security, _ pod: Pod, _ request: CaptureRequest
  ) async -> Result<AdmissionAnswer, Failure> {
    let entry = DebugRoute.entry(
      DebugRoute.container(request, pod, DebugFacts(), tools), request, security)
    do throws(Failure) {
      return .success(try await kubectl.put(entry, into: pod.reference, dryRun: true))
    } catch {
      return .failure(error)
    }
  }

  /// Whether a helper pod may be created for the target, used and deleted.
  func helper(_ subject: Subject, _ request: CaptureRequest) async -> Result<HelperFacts, Failure>?
  {
    guard request.route == .node || tools.settings.allowed.contains(.node) else { return nil }
    do throws(Failure) {
      return .success(try await helperFacts(subject, request))
    } catch {
      return .failure(error)
    }
  }

  private func helperFacts(
    _ subject: Subject, _ request: CaptureRequest
  ) async throws(Failure) -> HelperFacts {
    let what = Facts(subject: subject).refusal(by: .node)
    guard let node = subject.node else {
      throw Failure(
        .noRoute, what, why: "The pod has no node yet.", fix: "Try again when it runs.")
    }
    let facts = HelperFacts(namespace: try await helperNamespace(subject))
    let rights =
      ["create", "get", "delete"].map {
        Right($0, "pods", namespace: facts.namespace)
      } + [Right("create", "pods/exec", namespace: facts.namespace)]
    let manifest = NodeRoute.helperPod(request, subject, node, facts, tools).manifest
    async let dryRun = answer(manifest, in: facts.namespace)
    let allowed = try await kubectl.areAllowed(rights)
    let lacking = rights.filter { allowed[$0] != true }
    guard lacking.isEmpty else { throw missing(lacking, what) }
    if let refusal = try await dryRun.get().refusal { throw refusal.failure(what) }
    return facts
  }

  private func answer(
    _ manifest: JSONText, in namespace: String
  ) async -> Result<AdmissionAnswer, Failure> {
    do throws(Failure) {
      return .success(try await kubectl.create(pod: manifest, namespace: namespace, dryRun: true))
    } catch {
      return .failure(error)
    }
  }

  /// Where helper pods go: where the configuration says, else to the target's side, where the user has rights.
  private func helperNamespace(_ subject: Subject) async throws(Failure) -> String {
    if let namespace = tools.settings.nodeNamespace { return namespace }
    if case .pod(let pod, _) = subject { return pod.namespace }
    return try await kubectl.config().context(named: kubectl.context).namespace
  }

  /// The failure of a user who lacks rights: each is named.
  private func missing(_ rights: [Right], _ what: String) -> Failure {
    let words = rights.map(\.text).joined(separator: ", ")
    return Failure(
      .denied, what, why: "You may not \(words).", fix: "Ask for the right to \(words).")
  }
}
