/// The three streams of a process at the far end.
package struct RemoteStreams: Sendable {
  /// The far end's standard input. Closing it is the dead-man switch.
  package let input: OwnedFD
  /// The far end's standard output: packets.
  package let output: OwnedFD
  /// The far end's standard error: messages and statistics.
  package let errors: OwnedFD

  /// Collects our ends of the three streams.
  package init(input: OwnedFD, output: OwnedFD, errors: OwnedFD) {
    self.input = input
    self.output = output
    self.errors = errors
  }
}

/// How a process at the far end ended.
package enum RemoteEnd: Sendable, Equatable {
  /// The process ended with this exit status.
  case exited(Int32)
  /// The transport failed, or ended before it could tell.
  case failed(Failure)
}
