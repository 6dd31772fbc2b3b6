internal import Synchronization

/// What happened to an object.
package struct StoreEvent: Sendable {
  package enum Kind: String, Sendable {
    case added = "ADDED"
    case modified = "MODIFIED"
    case deleted = "DELETED"
  }

  package var kind: Kind
  package var object: StoredObject
  /// The object before; nil for one that is new.
  package var previous: StoredObject?
}

/// What a list or a watch is about.
package struct Selection: Sendable {
  package var type: ResourceType
  package var namespace: String?
  package var labels = LabelSelector()
  package var fields = FieldSelector()

  package init(
    type: ResourceType, namespace: String? = nil, labels: LabelSelector = LabelSelector(),
    fields: FieldSelector = FieldSelector()
  ) {
    (self.type, self.namespace) = (type, namespace)
    (self.labels, self.fields) = (labels, fields)
  }

  package func contains(_ object: StoredObject) -> Bool {
    object.type == type && (namespace == nil || object.key.namespace == namespace)
      && labels.matches(object.labels) && fields.matches(object.fields)
  }

  /// The event as somebody sees it who watches this selection: an object that leaves it is
  /// deleted for him, one that enters it is added. Nil if it does not concern him.
  package func view(of event: StoreEvent) -> StoreEvent? {
    let was = event.previous.map(contains) ?? false
    let isNow = event.kind != .deleted && contains(event.object)
    switch (was, isNow) {
    case (false, false): return nil
    case (false, true): return StoreEvent(kind: .added, object: event.object)
    case (true, true): return StoreEvent(kind: .modified, object: event.object)
    case (true, false): return StoreEvent(kind: .deleted, object: event.object)
    }
  }
}

/// All objects of the lab, their history, and those who watch them. Safe to use from any thread.
package final class Store: Sendable {
  /// Some of the objects of a selection.
  package struct Page: Sendable {
    package var objects: [StoredObject]
    package var revision: Int
    /// The last object's key when there are more, and how many.
    package var continuation: (last: ObjectKey, remaining: Int)?
  }

  package enum WatchStart: Sendable {
    /// First what there is, then what happens.
    case existing
    /// What happened after a revision.
    case after(Int)
  }

  package struct Watch: Sendable {
    package var id: Int
    package var initial: [StoreEvent]
    package var revision: Int
  }

  private struct Watcher: Sendable {
    var selection: Selection
    var deliver: @Sendable (StoreEvent) -> Void
  }

  private struct State: Sendable {
    var revision: Int
    /// Events after this revision are still known.
    var compacted: Int
    var objects: [String: [ObjectKey: StoredObject]] = [:]
    var order: [String: [ObjectKey]] = [:]
    var history: [StoreEvent] = []
    var watchers: [Int: Watcher] = [:]
    var nextWatcher = 1
  }

  /// How many events are remembered for watches that begin in the past.
  private static let historyLimit = 4096

  private let state: Mutex<State>

  /// An empty store. Revisions begin where no client expects small numbers to be special.
  package init(firstRevision: Int = 20_000) {
    state = Mutex(State(revision: firstRevision, compacted: firstRevision))
  }

  package var revision: Int { state.withLock { $0.revision } }

  /// Watches that begin at this revision or before are too old.
  package var compactedRevision: Int { state.withLock { $0.compacted } }

  package func object(_ type: ResourceType, _ key: ObjectKey) -> StoredObject? {
    state.withLock { $0.objects[type.qualifiedName]?[key] }
  }

  /// Objects in the order of their keys: those after a key, at most `limit`, or all.
  package func list(_ selection: Selection, limit: Int? = nil, after key: ObjectKey? = nil) -> Page
  {
    state.withLock { Self.page(of: selection, limit: limit, after: key, in: &$0) }
  }

  private static func page(
    of selection: Selection, limit: Int?, after key: ObjectKey?, in state: inout State
  ) -> Page {
    let name = selection.type.qualifiedName
    let all = state.objects[name] ?? [:]
    let order = state.order[name] ?? all.keys.sorted()
    state.order[name] = order
    var page = Page(objects: [], revision: state.revision)
    var remaining = 0
    for candidate in order {
      if let key, candidate <= key { continue }
      guard let object = all[candidate], selection.contains(object) else { continue }
      if let limit, page.objects.count == limit {
        remaining += 1
      } else {
        page.objects.append(object)
      }
    }
    if remaining > 0, let last = page.objects.last {
      page.continuation = (last.key, remaining)
    }
    return page
  }

  /// Creates or replaces an object. `make` gets the new revision and the object as it is now, and
  /// returns what is to be stored, or nil to leave all as it is.
  /// - Returns: what was stored.
  @discardableResult
  package func put(
    _ type: ResourceType, _ key: ObjectKey, _ make: (Int, StoredObject?) -> StoredObject?
  ) -> StoredObject? {
    state.withLock { state in
      let previous = state.objects[type.qualifiedName]?[key]
      guard let object = make(state.revision + 1, previous) else { return nil }
      state.revision += 1
      state.objects[type.qualifiedName, default: [:]][key] = object
      if previous == nil { state.order[type.qualifiedName] = nil }
      Self.publish(
        StoreEvent(kind: previous == nil ? .added : .modified, object: object, previous: previous),
        in: &state)
      return object
    }
  }

  /// Removes an object.
  /// - Returns: the object as it was, with the revision of its removal; nil if there was none.
  @discardableResult
  package func remove(_ type: ResourceType, _ key: ObjectKey) -> StoredObject? {
    state.withLock { state in
      guard let previous = state.objects[type.qualifiedName]?.removeValue(forKey: key) else {
        return nil
      }
      state.order[type.qualifiedName] = nil
      state.revision += 1
      let gone = StoredObject(previous.json, type: type, revision: state.revision)
      Self.publish(StoreEvent(kind: .deleted, object: gone, previous: previous), in: &state)
      return gone
    }
  }

  // MARK: Watching

  /// Begins to watch; from then on `deliver` gets every event of the selection, in order, on the
  /// thread that caused it. It must not call the store.
  /// - Returns: nil if the events since `start` are no longer known.
  package func watch(
    _ selection: Selection, from start: WatchStart,
    deliver: @escaping @Sendable (StoreEvent) -> Void
  ) -> Watch? {
    state.withLock { state in
      let initial: [StoreEvent]
      switch start {
      case .existing:
        initial = Self.page(of: selection, limit: nil, after: nil, in: &state).objects.map {
          StoreEvent(kind: .added, object: $0)
        }
      case .after(let revision):
        guard revision >= state.compacted else { return nil }
        initial = state.history.filter { $0.object.revision > revision }.compactMap {
          selection.view(of: $0)
        }
      }
      let id = state.nextWatcher
      state.nextWatcher += 1
      state.watchers[id] = Watcher(selection: selection, deliver: deliver)
      return Watch(id: id, initial: initial, revision: state.revision)
    }
  }

  package func unwatch(_ id: Int) {
    state.withLock { _ = $0.watchers.removeValue(forKey: id) }
  }

  private static func publish(_ event: StoreEvent, in state: inout State) {
    state.history.append(event)
    if state.history.count > 2 * historyLimit {
      state.history.removeFirst(historyLimit)
      state.compacted = state.history.first.map { $0.object.revision - 1 } ?? state.revision
    }
    for watcher in state.watchers.values {
      if let view = watcher.selection.view(of: event) { watcher.deliver(view) }
    }
  }
}
