import Foundation
import Testing

extension InLab {
  /// What answers is no ssh server, or a broken one; or nothing answers.
  @Suite(.serialized, .timeLimit(.minutes(4)))
  struct SSHHostileServersTests {
    let hostile: SSHHostile

    init() throws { hostile = try SSHHostile() }

    /// Something that listens on the laptop's own address and is no ssh server, by its kind.
    private static let listener = """
      import os, socket, struct, sys, threading, time
      kind = sys.argv[1]
      server = socket.socket()
      server.bind(("127.0.0.1", 0))
      server.listen(20)
      print(server.getsockname()[1], flush=True)
      version = b"SSH-2.0-OpenSSH_9.2\\r\\n"
      def serve(peer):
          try:
              if kind == "silent": time.sleep(60)
              elif kind == "reset":
                  peer.sendall(version)
                  peer.recv(100)
                  peer.recv(10)
                  peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
              elif kind == "hang-up":
                  # After the client has spoken, so that it is always a read that fails.
                  peer.recv(100)
                  peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
              elif kind == "web server":
                  peer.sendall(b"HTTP/1.1 400 Bad Request\\r\\nServer: \\x1b[31mred\\r\\n\\r\\n")
                  peer.recv(1000)
                  time.sleep(0.3)
              elif kind == "garbage": peer.sendall(b"\\x00\\x1b[2J\\xff\\x01" * 1000); time.sleep(20)
              elif kind == "greeting without end":
                  while True: peer.sendall(b"\\x1b[2Jhello world " * 4096)
              elif kind == "lines without end":
                  while True: peer.sendall(b"hello \\x1b[2J world\\r\\n" * 4096)
              elif kind == "SSH 1": peer.sendall(b"SSH-1.5-old\\r\\n"); time.sleep(5)
              elif kind == "a packet of 4 GiB": peer.sendall(version + b"\\xff" * 65536); time.sleep(20)
              elif kind == "a disconnect":
                  words = b"go \\x1b[31maway\\n\\rnow"
                  text = struct.pack(">I", len(words)) + words + struct.pack(">I", 0)
                  message = b"\\x01" + struct.pack(">I", 2) + text
                  padding = 16 - (len(message) + 5) % 8
                  head = struct.pack(">IB", len(message) + padding + 1, padding)
                  peer.sendall(version + head + message + bytes(padding))
                  peer.recv(1000)
                  time.sleep(1)
              peer.close()
          except OSError: pass
      while True:
          threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
      """

    @Test(arguments: [
      ("silent", 13.0), ("reset", 3), ("hang-up", 3), ("web server", 4), ("garbage", 3),
      ("greeting without end", 12), ("lines without end", 12), ("SSH 1", 3),
      ("a packet of 4 GiB", 3), ("a disconnect", 4),
    ])
    func noServer(kind: String, seconds: Double) throws {
      let server = try Program(
        SSHLogin.laptop + ["/usr/bin/env", "python3", "-c", Self.listener, kind])
      defer { kill(server.pid, SIGKILL) }
      #expect(server.wait(10) { server.bytes.last == UInt8(ascii: "\n") })
      let port = String(decoding: server.bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
      try hostile.expect(
        SSHCase(
          name: "server: \(kind)",
          login: SSHLogin(lines: ["host = \"127.0.0.1\"", "port = \(port)"]), code: 3,
          seconds: seconds))
    }

    @Test func aBlackHole() throws {
      defer { _ = try? Lab.run("link", "n1", "clear") }
      try Lab.run("link", "n1", "black-hole")
      try hostile.expect(SSHCase(name: "black hole", code: 3, seconds: 14))
    }

    @Test func noServerAtAll() throws {
      defer { _ = try? Lab.run("ssh-start", "n1") }
      try Lab.run("ssh-kill", "n1", "daemon")
      try hostile.expect(SSHCase(name: "refused", code: 3, seconds: 4))
    }
  }
}
