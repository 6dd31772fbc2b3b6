import Foundation
import Testing

/// A name server that takes questions and never answers.
struct SilentResolver {
  private let socket: Int32
  /// On loopback, where nothing else is.
  private static let address = "127.0.0.99"

  init() throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(53).bigEndian
    inet_pton(AF_INET, Self.address, &address.sin_addr)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(bound == 0)
  }

  func end() { close(socket) }

  /// Whether somebody has asked.
  var isAsked: Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_DONTWAIT)) > 0
  }

  /// A command line that has this resolver and no other.
  func used(_ scratch: Scratch, _ words: [String]) throws -> [String] {
    try scratch.write("resolv.conf", "nameserver \(Self.address)\n")
    try scratch.write("nsswitch.conf", "hosts: dns\n")
    return [
      "/usr/bin/env", "unshare", "--mount", "/bin/sh", "-c",
      "mount --bind '\(scratch.path)/resolv.conf' /etc/resolv.conf "
        + "&& mount --bind '\(scratch.path)/nsswitch.conf' /etc/nsswitch.conf && exec \"$@\"", "sh",
    ] + words
  }
}
