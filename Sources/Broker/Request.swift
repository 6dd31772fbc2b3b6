package import Cluster

/// How packets are reached. The order is the order of footprint.
package enum RouteName: String, Sendable, CaseIterable {
  /// `kubectl exec` of a tcpdump that the container has.
  case exec
}

/// What somebody asked to capture, before anything has been found out.
package struct CaptureRequest: Sendable, Equatable {
  /// The pod, its container and its interface.
  package var namespace: String
  package var pod: String
  /// The container; nil for the one that kubectl would choose.
  package var container: String?
  /// The interface; nil for the default.
  package var interface: String?
  /// A capture filter in the syntax of pcap-filter(7); empty for none.
  package var filter: String
  /// The most bytes kept of a packet; nil for the default.
  package var snapLength: Int?
  /// Larger batches instead of the shortest delay.
  package var throughput: Bool
  /// How many packets to capture; nil for no limit.
  package var count: UInt64?
  /// The time limit at the far end in seconds; 0 for none.
  package var ttl: Int
  /// The route asked for; nil lets poddump choose.
  package var route: RouteName?

  /// Creates a request; everything but the pod has the defaults of the command line.
  package init(
    namespace: String, pod: String, container: String? = nil, interface: String? = nil,
    filter: String = "", snapLength: Int? = nil, throughput: Bool = false, count: UInt64? = nil,
    ttl: Int = CaptureRequest.defaultTTL, route: RouteName? = nil
  ) {
    self.namespace = namespace
    self.pod = pod
    self.container = container
    self.interface = interface
    self.filter = filter
    self.snapLength = snapLength
    self.throughput = throughput
    self.count = count
    self.ttl = ttl
    self.route = route
  }

  /// A day, in seconds: nobody means to capture longer without saying so.
  package static let defaultTTL = 24 * 60 * 60
}
