import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

@Suite struct KnownHostsFileTests {
  @Test func aNewKeyIsAddedAsOneRow() throws {
    let folder = try Scratch()
    let file = folder.path + "/sub/known_hosts"
    func add(_ host: String, _ port: Int) throws -> String {
      try KnownHosts.add(
        host: host, port: port, key: TestKey.ours.blob, fingerprint: "SHA256:abc", to: file)
    }
    let note = try add("Node1", 22)
    #expect(note == "The host key of Node1, ED25519 SHA256:abc, was new and is in \(file) now.")
    #expect(try add("node1", 2222).contains("node1"))
    let text = String(decoding: try contents(file), as: UTF8.self)
    #expect(text == "node1 \(TestKey.ours.row)\n[node1]:2222 \(TestKey.ours.row)\n")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let verdict = try KnownHosts(files: [file]).verdict(
      host: "node1", port: 2222, type: "ssh-ed25519", key: TestKey.ours.blob)
    #expect(verdict == .known)
  }

  @Test func whatIsAddedBeginsARowOfItsOwn() throws {
    let folder = try Scratch()
    let file = try folder.text("known_hosts", "a \(TestKey.rsa.row)")
    _ = try KnownHosts.add(
      host: "node1", port: 22, key: TestKey.ours.blob, fingerprint: "", to: file)
    let text = String(decoding: try contents(file), as: UTF8.self)
    #expect(text == "a \(TestKey.rsa.row)\nnode1 \(TestKey.ours.row)\n")
  }

  @Test(arguments: ["*", "a b", "a,b", "#a", "@revoked", "|1|x|y", "a\nb", "!a", ""])
  func aNameThatIsNoNameIsNotAdded(_ host: String) throws {
    let folder = try Scratch()
    #expect(throws: Failure.self) {
      _ = try KnownHosts.add(
        host: host, port: 22, key: TestKey.ours.blob, fingerprint: "", to: folder.path + "/file")
    }
    #expect(try folder.names() == [])
  }
}
