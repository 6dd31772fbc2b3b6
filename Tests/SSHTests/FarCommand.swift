import Base
import Foundation
import SSH
import TestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a command at the far end said, and how it ended.
struct FarAnswer: Sendable {
  var output: [UInt8]
  var errors: [UInt8]
  var end: RemoteEnd
  var text: String { String(decoding: output, as: UTF8.self) }
}

/// Reads a descriptor to its end. Blocks.
func readAll(_ descriptor: OwnedFD) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 256 << 10)
  while true {
    let count = read(descriptor.raw, &buffer, buffer.count)
    guard count > 0 else { return bytes }
    bytes += buffer[..<count]
  }
}

/// Writes all bytes. Blocks.
func writeAll(_ bytes: [UInt8], to descriptor: OwnedFD) {
  var done = 0
  while done < bytes.count {
    let count = bytes.withUnsafeBytes { memory in
      write(descriptor.raw, memory.baseAddress?.advanced(by: done), memory.count - done)
    }
    guard count > 0 else { return }
    done += count
  }
}

/// As the program does first thing in `main`.
private let brokenPipesAreIgnored: Void = { signal(SIGPIPE, SIG_IGN) }()

extension SSHSettings {
  func connect(
    isInteractive: Bool = false, preferred: [String] = [],
    hostKey: @escaping @Sendable (HostKeyOffer) -> Failure? = { _ in nil }
  ) async throws(SSHConnectError) -> LibSSH2Connection {
    brokenPipesAreIgnored
    return try await LibSSH2Connection.open(
      self, isInteractive: isInteractive, preferredHostKeyAlgorithms: preferred, hostKey: hostKey)
  }

  /// Runs a command with some input to its end.
  func run(_ command: String, input: [UInt8] = []) async throws -> FarAnswer {
    let connection = try await connect()
    return try await connection.withProcess(command) { process in
      async let output = try? blocking { readAll(process.streams.output) }
      async let errors = try? blocking { readAll(process.streams.errors) }
      _ = try? await blocking {
        writeAll(input, to: process.streams.input)
        process.streams.input.close()
      }
      let (bytes, words) = (await output ?? [], await errors ?? [])
      return FarAnswer(output: bytes, errors: words, end: await process.end(errors: ""))
    }
  }

  /// The error that connecting ends in; nil when it succeeds.
  func refusal(preferred: [String] = []) async -> SSHConnectError? {
    do throws(SSHConnectError) {
      _ = try await connect(preferred: preferred)
      return nil
    } catch {
      return error
    }
  }
}
