package import Base
package import Cluster
internal import Packets

/// How packets are reached. The order is the order of footprint.
package enum RouteName: String, Sendable, CaseIterable {
  /// `kubectl exec` of a tcpdump that the container has.
  case exec
  /// ssh to the pod's node, and the tcpdump there.
  case ssh
  /// Our own engine, put into the container by kubectl exec.
  case upload
  /// An ephemeral container of ours in the pod.
  case debug
  /// A helper pod of ours on the pod's node.
  case node
}

/// What captures at the far end.
package enum EngineName: String, Sendable, CaseIterable {
  /// The tcpdump that is there, or that `--binary` brings.
  case tcpdump
  /// Our own static binary.
  case tap
}

/// What somebody asked to capture from one pod or node, before anything has been found out.
package struct CaptureRequest: Sendable, Equatable {
  /// The pod or node.
  package var target: Target?
  /// The namespace asked for; nil for the target's own, or the context's.
  package var namespace: String?
  /// The container; nil for the one that kubectl would choose.
  package var container: String?
  /// The interface; nil for the default.
  package var interface: String?
  /// A capture filter in the syntax of pcap-filter(7); empty for none.
  package var filter = ""
  /// The most bytes kept of a packet; nil for the default.
  package var snapLength: Int?
  /// Larger batches instead of the shortest delay.
  package var throughput = false
  /// How many packets to capture; nil for no limit.
  package var count: Int?
  /// The time limit at the far end in seconds; 0 for none.
  package var ttl = CaptureRequest.defaultTTL
  /// Where on a node the packets are taken.
  package var point = PointChoice.auto
  /// Whether a capture on a node's own interface keeps its own connection's packets.
  package var includesOwnTraffic = false
  /// The route asked for; nil lets poddump choose.
  package var route: RouteName?
  /// The engine asked for; nil takes the tcpdump that is there, and the tap where there is none.
  package var engine: EngineName?
  /// What this capture is called wherever it leaves something: eight hexadecimal digits.
  package var session = CaptureRequest.newSession()

  /// Creates a request; everything else has the defaults of the command line.
  package init(target: Target?, namespace: String? = nil) {
    self.target = target
    self.namespace = namespace
  }

  /// Checks the filter for what the packets most likely begin with, before anything is asked.
  ///
  /// - Parameter patience: The most time it may take: a name in it asks this machine's resolver.
  /// - Throws: `Failure` (`filter`) where it is not valid, or there is no answer in time.
  package func checkFilter(within patience: Duration) async throws(Failure) {
    try await CaptureFilter.check(
      filter, linkType: .expected(onInterface: interface ?? "eth0"), within: patience)
  }

  /// A name for one capture, by chance.
  package static func newSession() -> String {
    zeroPadded(UInt32.random(in: .min ... .max), 8, radix: 16)
  }

  /// A day, in seconds: nobody means to capture longer without saying so.
  package static let defaultTTL = 24 * 60 * 60
}
