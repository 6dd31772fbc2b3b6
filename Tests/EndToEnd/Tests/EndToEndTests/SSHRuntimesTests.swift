import Foundation
import Testing

extension InLab {
  /// docker, containerd and podman from Debian's packages on a node: a container of each is found there, by
  /// the runtime's own command and without it.
  ///
  /// The containers are nobody's pods. What is run is the script that poddump sends to a node, taken from
  /// its connection, with another question in its last line.
  @Suite(.serialized, .timeLimit(.minutes(4)))
  struct SSHRuntimesTests {
    /// A container as the lab lists it.
    struct Container {
      var runtime, id, pid, interface, address: String
    }

    let folder: Folder

    init() throws { folder = try Folder() }

    /// What poddump writes to a node's shell, up to the question: an `ssh` that keeps it takes the real
    /// one's place.
    private func script() throws -> String {
      let real = try Program.run(["/bin/sh", "-c", "command -v ssh"]).output
        .trimmingCharacters(in: .newlines)
      let sent = folder.path + "/sent"
      let ssh = try folder.write(
        """
        #!/bin/sh
        case " $* " in *" -G "*) exec \(real) "$@" ;; esac
        timeout 2 cat >\(sent)
        exit 1

        """, to: "ssh")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: ssh)
      let path = try #require(ProcessInfo.processInfo.environment["PATH"])
      let run = try SSHLogin(engine: .openssh).poddump(
        ["plan", "shop/web"], in: folder, environment: ["PATH": "\(folder.path):\(path)"])
      let text = try String(contentsOfFile: sent, encoding: .utf8)
      let question = try #require(text.range(of: "\npoddump ", options: .backwards), "\(run)")
      #expect(text[question.lowerBound...].contains(" 'cgroup uid address runtime'"))
      return String(text[..<question.lowerBound]) + "\n"
    }

    /// The answer of n1, as the lines of each key.
    private func ask(_ script: String, about container: Container, by way: String) throws
      -> [String: [String]]
    {
      let pattern = container.address.replacing(".", with: "\\.")
      let question =
        "poddump '\(container.id)' '' '\(pattern)' '\(container.address)' '' '\(way)'\n"
      let file = try folder.write(script + question, to: "script-\(folder.nextNumber())")
      // timeout(1) stands before ssh, which closes all files that it does not know: Foundation would take
      // that for its end.
      let run = try Program.run([
        "/bin/sh", "-c", "timeout 30 \"$1\" ssh root@n1 bash -s <\"$2\"", "sh", Lab.command, file,
      ])
      #expect(run.status == 0 && run.output.contains("\nend=\n"), "\(run)")
      var answer: [String: [String]] = [:]
      for line in run.output.split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { answer[String(parts[0]), default: []].append(String(parts[1])) }
      }
      return answer
    }

    @Test func theirContainersAreFoundByCommandAndWithoutIt() throws {
      defer { _ = try? Lab.run("runtimes", "down") }
      let listed = try Lab.run("runtimes", "up", within: 120)
      let containers = listed.output.split(separator: "\n").map { line in
        let words = line.split(separator: " ").map(String.init)
        return Container(
          runtime: words[0], id: words[1], pid: words[2], interface: words[3], address: words[4])
      }
      #expect(Set(containers.map(\.runtime)) == ["docker", "containerd", "podman"])
      let script = try script()
      for container in containers {
        for way in ["runtime", "cgroup", "address"] {
          let answer = try ask(script, about: container, by: way)
          let comment = Comment(rawValue: "\(container.runtime) by \(way): \(answer)")
          #expect(answer["by"] == [way], comment)
          #expect(answer["right"] == ["yes"], comment)
          #expect(answer["pid"] == [container.pid], comment)
          // The pair of numbers leads from the container's eth0 to the lab's interface, and back.
          let own = try #require(
            answer["podlink"]?.compactMap { $0.firstMatch(of: /^([0-9]+): eth0@if([0-9]+):/) }
              .first,
            comment)
          let other = try #require(
            answer["hostlink"]?.first { $0.contains(" \(container.interface)@if") }, comment)
          #expect(other.hasPrefix("\(own.output.2): \(container.interface)@if\(own.output.1):"))
        }
        // An ID that nobody has is nobody's, whatever the way.
        var stranger = container
        stranger.id = String(container.id.reversed())
        for way in ["runtime", "cgroup"] {
          #expect(try ask(script, about: stranger, by: way)["pid"] == nil)
        }
      }
    }
  }
}
