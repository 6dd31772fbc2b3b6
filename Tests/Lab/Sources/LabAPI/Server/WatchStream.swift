internal import NIOCore
internal import NIOHTTP1

/// A watch that runs on a connection: what there is, what happens, bookmarks, and the end by its
/// timeout. Used on the connection's event loop only.
final class WatchStream {
  /// Events that wait for the connection; with more the watch ends, as the API server ends slow ones.
  private static let backlogLimit = 16 * 1024 * 1024

  private let plan: WatchPlan
  private let store: Store
  private let channel: any Channel
  private let onEnd: () -> Void
  private var id: Int?
  private var timers: [Scheduled<Void>] = []
  private var sentColumns = false
  private var backlog = 0
  private var hasEnded = false

  /// Prepares a watch; `onEnd` is called once when it is over, unless it was stopped.
  init(plan: WatchPlan, store: Store, channel: any Channel, onEnd: @escaping () -> Void) {
    (self.plan, self.store, self.channel, self.onEnd) = (plan, store, channel, onEnd)
  }

  func start() {
    let loop = channel.eventLoop
    let bound = NIOLoopBound(self, eventLoop: loop)
    let watch = store.watch(plan.selection, from: plan.start) { event in
      // Always a task of its own, so that events keep their order and follow the initial ones.
      loop.execute { bound.value.send(event) }
    }
    guard let watch else {
      var requested = 0
      if case .after(let revision) = plan.start { requested = revision }
      let status = Status.expired(requested: requested, oldest: store.compactedRevision)
      send(type: "ERROR", object: ByteBuffer(bytes: status.json.bytes))
      return end()
    }
    id = watch.id
    for event in watch.initial { send(event) }
    if plan.marksInitialEnd { bookmark(revision: watch.revision, isInitialEnd: true) }
    channel.flush()
    if plan.bookmarks {
      timers.append(
        loop.scheduleTask(in: .seconds(Int64(max(plan.timeout - 2, 1)))) {
          bound.value.bookmarkNow()
        })
      scheduleBookmark()
    }
    timers.append(
      loop.scheduleTask(in: .seconds(Int64(plan.timeout))) { bound.value.end() })
  }

  /// Ends the watch without a word, because the connection is gone.
  func stop() {
    guard !hasEnded else { return }
    hasEnded = true
    if let id { store.unwatch(id) }
    for timer in timers { timer.cancel() }
  }

  private func end() {
    guard !hasEnded else { return }
    stop()
    onEnd()
  }

  private func scheduleBookmark() {
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    timers.append(
      channel.eventLoop.scheduleTask(in: .seconds(59)) {
        bound.value.bookmarkNow()
        bound.value.scheduleBookmark()
      })
  }

  private func bookmarkNow() {
    guard !hasEnded else { return }
    bookmark(revision: store.revision, isInitialEnd: false)
    channel.flush()
  }

  private func bookmark(revision: Int, isInitialEnd: Bool) {
    var metadata: JSON = ["resourceVersion": .string(String(revision))]
    if isInitialEnd { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
    var object: JSON = [
      "kind": .string(plan.selection.type.kind),
      "apiVersion": .string(plan.selection.type.apiVersion), "metadata": metadata,
    ]
    if plan.selection.type.kind == "Pod" {
      object["spec"] = ["containers": .null]
      object["status"] = [:]
    }
    if case .table = plan.representation {
      object = [
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": .null, "rows": [],
      ]
    }
    send(type: "BOOKMARK", object: ByteBuffer(bytes: object.bytes))
  }

  private func send(_ event: StoreEvent) {
    guard !hasEnded else { return }
    let object = plan.representation.document(event.object, withColumns: !sentColumns)
    sentColumns = true
    send(type: event.kind.rawValue, object: object)
    channel.flush()
  }

  private func send(type: String, object: ByteBuffer) {
    var line = ByteBuffer(string: #"{"type":"\#(type)","object":"#)
    line.writeImmutableBuffer(object)
    line.writeString("}\n")
    let size = line.readableBytes
    backlog += size
    guard backlog <= Self.backlogLimit else { return end() }
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    channel.write(HTTPServerResponsePart.body(.byteBuffer(line))).whenComplete { _ in
      bound.value.backlog -= size
    }
  }
}
