internal import Base
internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// One address of a host.
struct SocketAddress: Sendable, Equatable {
  /// The address family, AF_INET or AF_INET6.
  let family: Int32
  /// A `sockaddr`, as connect(2) takes it.
  let bytes: [UInt8]
  /// The address in numbers.
  let text: String
}

/// Finds a host's addresses. getaddrinfo(3) cannot be told to hurry: it runs on a thread of its own, and
/// whoever asked leaves when time is over.
enum Resolver {
  enum Outcome: Sendable, Equatable {
    case addresses([SocketAddress])
    /// In the system's words (gai_strerror(3)).
    case unknown(String)
    case timedOut
    case stopped
  }

  static func resolve(
    _ host: String, port: Int, deadline: Deadline
  ) throws(Failure) -> Outcome {
    let answer = Answer()
    let done = try Bell()
    DispatchQueue(label: "poddump.resolve").async {
      answer.set(lookUp(host, port))
      done.ring()
    }
    switch deadline.wait(for: done.reader, POLLIN) {
    case .ready: return answer.get() ?? .timedOut
    case .stopped: return .stopped
    case .timedOut: return .timedOut
    }
  }

  private final class Answer: Sendable {
    private let outcome = Mutex<Outcome?>(nil)
    func set(_ new: Outcome) { outcome.withLock { $0 = new } }
    func get() -> Outcome? { outcome.withLock { $0 } }
  }

  private static func lookUp(_ host: String, _ port: Int) -> Outcome {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = streamSocket
    hints.ai_protocol = Int32(IPPROTO_TCP)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    guard code == 0 else {
      return .unknown(gai_strerror(code).map { String(cString: $0) } ?? "error \(code)")
    }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = list
    while let entry = next?.pointee, addresses.count < 16 {
      next = entry.ai_next
      guard let address = entry.ai_addr else { continue }
      let bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      getnameinfo(
        address, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
      let name = String(
        decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      addresses.append(SocketAddress(family: entry.ai_family, bytes: bytes, text: name))
    }
    return .addresses(addresses)
  }
}
