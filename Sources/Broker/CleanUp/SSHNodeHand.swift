package import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Works on nodes by ssh, as route `ssh` reaches them.
package struct SSHNodeHand: NodeHand {
  private let finder: FactFinder

  /// - Parameter finder: Knows the cluster, and how its nodes are reached.
  package init(_ finder: FactFinder) {
    self.finder = finder
  }

  package func remove(file path: String, on node: String) async throws(Failure) -> Undone {
    try await run(
      ["rm", "-f", "--", path], on: node,
      "Cannot remove \(printable(path, limit: 200)) on node \(printable(node, limit: 100)).")
  }

  package func end(
    process pid: Int, start: UInt64, on node: String
  ) async throws(Failure) -> Undone {
    try await run(
      ["sh", "-c", Self.endTree, "end", String(pid), String(start)], on: node,
      "Cannot end process \(pid) on node \(printable(node, limit: 100)).")
  }

  /// Ends a process and its descendants: `$1` its number, `$2` its start time. Exit status 3 says that
  /// there is no such process any more.
  ///
  /// One line, since an order to the node's shell is read line by line. The name in `/proc/PID/stat` may
  /// hold anything, so that the number is that of the path and the fields are counted from the last
  /// parenthesis; the state is the first there, the parent the second, the start time the twentieth. The
  /// whole tree is found before any of it is ended, since whoever loses its parent gets another. It is not
  /// stopped for that: the sudo above it would stop too (sudo(8)), and stay.
  package static let endTree =
    #"p=$1 s=$2; f() { { read -r x <"$1/stat"; } 2>/dev/null || return 1; set -f; "#
    + #"set -- ${x##*) }; q=$2 t=${20-}; }; f "/proc/$p" && [ "$t" = "$s" ] || exit 3; set +f; "#
    + #"table=; for d in /proc/[0-9]*; do f "$d" && table="$table ${d#/proc/}:$q"; done; "#
    + #"all= new=$p; while [ -n "$new" ]; do next=; for e in $table; do "#
    + #"case " $p $all $next " in *" ${e%%:*} "*) continue ;; esac; "#
    + #"case " $new " in *" ${e#*:} "*) next="$next ${e%%:*}" ;; esac; done; "#
    + #"all="$all$next" new=$next; done; kill -KILL "$p" || exit 1; "#
    + #"[ -z "$all" ] || kill -KILL $all 2>/dev/null; exit 0"#

  private func run(
    _ argv: [String], on node: String, _ what: String
  ) async throws(Failure) -> Undone {
    let subject = Subject.node(try await find(node))
    let result = await finder.withNode(subject) {
      (login, _, shell) async -> Result<RemoteEnd, Failure> in
      let transport = ShellTransport(shell: shell, command: login.command)
      do throws(Failure) {
        let (_, end) = try await transport.withProcess(
          Stanza.parameters(argv, ttl: 20), errors: { (_: Int) in "" }
        ) { streams async throws(Failure) -> Int in
          // It says nothing; the end of its output is what is waited for.
          let stop = try Bell()
          return try await onOwnThread("node", stop: { stop.ring() }) { () throws(Failure) in
            waitForEnd(streams, stop)
            return 0
          }
        }
        return .success(end)
      } catch {
        return .failure(error)
      }
    }
    switch try result.get().get() {
    case .exited(0): return .done
    case .exited(3): return .gone
    case .exited(let code): return .left("The command there ended with exit status \(code).")
    case .failed(let failure):
      throw Failure(failure.kind, what, why: failure.why, fix: failure.fix, detail: failure.detail)
    }
  }

  /// The node, or its name alone for somebody who may not look at nodes.
  private func find(_ name: String) async throws(Failure) -> Node {
    do throws(Failure) {
      return try await finder.kubectl.node(name: name)
    } catch  where error.kind == .denied {
      return Node(name: name)
    }
  }
}

/// Reads and forgets both streams until the output ends. Blocks: own thread only.
private func waitForEnd(_ streams: RemoteStreams, _ stop: Bell) {
  var buffer = [UInt8](repeating: 0, count: 16 << 10)
  var areErrorsOpen = true
  while true {
    var entries = [
      pollfd(fd: streams.output.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      pollfd(fd: areErrorsOpen ? streams.errors.raw : -1, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&entries, 3, -1) >= 0 || errno == EINTR else { return }
    if entries[1].revents != 0 { return }
    if entries[0].revents != 0, streams.output.read(into: &buffer) <= 0 { return }
    if entries[2].revents != 0, streams.errors.read(into: &buffer) <= 0 { areErrorsOpen = false }
  }
}
