package import Base

/// A process at the far end of an SSH connection, its three streams, and its end.
package final class SSHProcess: Sendable {
  /// The streams; read standard error all the time.
  package let streams: RemoteStreams
  /// What carries the connection.
  package let engine: SSHEngine
  /// Why the OpenSSH client was chosen where libssh2 would have been; nil when nothing is to be said.
  package let note: String?
  private let finish: @Sendable (String) async -> RemoteEnd

  /// Describes a running process.
  ///
  /// - Parameters:
  ///   - streams: Our ends of its streams.
  ///   - engine: What carries the connection.
  ///   - note: Why that engine was chosen, where there is something to say.
  ///   - finish: Closes the far end's input and waits, bounded, for the end; its parameter is what was
  ///     read from standard error, for the words of a failure. A second call gives the same answer.
  package init(
    streams: RemoteStreams, engine: SSHEngine, note: String?,
    finish: @escaping @Sendable (String) async -> RemoteEnd
  ) {
    self.streams = streams
    self.engine = engine
    self.note = note
    self.finish = finish
  }

  /// Closes the far end's input and waits for its end.
  ///
  /// - Parameter errors: What was read from its standard error, for the words of a failure.
  /// - Returns: The exit status, or why there is none.
  package func end(errors: String) async -> RemoteEnd {
    await finish(errors)
  }

  /// The same process, with one thing more to be said.
  func adding(note more: String?) -> SSHProcess {
    guard let more else { return self }
    let both = [note, more].compactMap(\.self).joined(separator: "; ")
    return SSHProcess(streams: streams, engine: engine, note: both) { await self.end(errors: $0) }
  }
}

/// Why libssh2 made no connection, and whether the OpenSSH client may do better.
package struct SSHConnectError: Error, Sendable, Equatable {
  package var failure: Failure
  /// What the server or the key needs that libssh2 lacks, in words: "the server offers only AEAD
  /// ciphers". Nil where the OpenSSH client would fail too, and always after a host-key mismatch.
  package var needsOpenSSH: String?

  package init(_ failure: Failure, needsOpenSSH: String? = nil) {
    self.failure = failure
    self.needsOpenSSH = needsOpenSSH
  }
}
