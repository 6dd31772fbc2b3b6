/// Lists and watches.
extension API {
  func list(_ request: Request, _ selection: Selection) throws(Status) -> Reply {
    let representation = try Representation(request)
    let limit = request.parameter("limit").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    var token: ContinueToken?
    if let text = request.parameter("continue"), !text.isEmpty {
      if let revision = request.parameter("resourceVersion"), !["", "0"].contains(revision) {
        throw .badRequest("specifying resource version is not allowed when using continue")
      }
      token = try continueToken(text)
    } else {
      try checkRevision(request)
    }
    let page = store.list(
      selection, limit: limit, after: token?.last(namespace: selection.namespace))
    let revision = token?.revision ?? page.revision
    let next = page.continuation.map { continuation in
      ContinueToken(
        revision: revision, last: continuation.last, namespace: selection.namespace
      ).text
    }
    // With a selector the server does not know how many are left.
    let isFiltered = !selection.labels.requirements.isEmpty || !selection.fields.terms.isEmpty
    let remaining = isFiltered ? nil : page.continuation?.remaining
    return .list(
      ListBody(
        page.objects, type: selection.type,
        metadata: .object(
          ("resourceVersion", .string(String(revision))), ("continue", next.map { .string($0) }),
          ("remainingItemCount", remaining.map { .integer($0) })),
        representation: representation))
  }

  private func continueToken(_ text: String) throws(Status) -> ContinueToken {
    var token: ContinueToken
    do {
      token = try ContinueToken(text)
    } catch {
      throw .badRequest("invalid continue token: continue key is not valid: \(error)")
    }
    guard token.revision == -1 || token.revision >= store.compactedRevision else {
      token.revision = -1
      throw .expiredToken(token.text)
    }
    return token
  }

  private func checkRevision(_ request: Request) throws(Status) {
    guard let text = request.parameter("resourceVersion"), !text.isEmpty else { return }
    guard let revision = Int(text), revision >= 0 else {
      throw .badRequest("resourceVersion: Invalid value: \"\(text)\"")
    }
    guard revision <= store.revision else {
      throw .revisionTooLarge(requested: revision, current: store.revision)
    }
  }

  func watch(_ request: Request, _ selection: Selection) throws(Status) -> Reply {
    let representation = try Representation(request)
    try checkRevision(request)
    let revision = request.parameter("resourceVersion").flatMap { Int($0) } ?? 0
    let sendsInitial = request.isTrue("sendInitialEvents")
    let fromNow = request.parameter("sendInitialEvents") == "false"
    let bookmarks = request.isTrue("allowWatchBookmarks")
    let start: Store.WatchStart =
      sendsInitial || (revision == 0 && !fromNow)
      ? .existing : .after(revision == 0 ? store.revision : revision)
    // Without a timeout the server takes a random one between 30 and 60 minutes.
    let timeout = request.parameter("timeoutSeconds").flatMap { Int($0) } ?? 0
    return .watch(
      WatchPlan(
        selection: selection, representation: representation, start: start, bookmarks: bookmarks,
        marksInitialEnd: sendsInitial && bookmarks,
        timeout: timeout > 0 ? timeout : Int.random(in: 1800...3600)))
  }
}
