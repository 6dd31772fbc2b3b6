internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The program that has containers started and ended on the nodes (`kubelet` among the lab's
/// scripts).
struct KubeletCommand: Sendable {
  let words: [String]

  /// Runs it to its end; blocks.
  /// - Parameters:
  ///   - arguments: what it is to do.
  ///   - onLine: gets each line of its output when it comes.
  /// - Returns: its exit code; 255 if it cannot be run.
  @discardableResult
  func run(_ arguments: [String], onLine: (String) -> Void = { _ in }) -> Int {
    let process: ContainerProcess
    do {
      process = try ContainerProcess.start(
        words + arguments, stdin: false, stdout: true, stderr: false)
    } catch {
      Log.write("cannot run \(words.joined(separator: " ")): \(error)")
      return 255
    }
    let end = Mutex<ContainerProcess.End?>(nil)
    let hasEnded = DispatchSemaphore(value: 0)
    process.whenEnded { how in
      end.withLock { $0 = how }
      hasEnded.signal()
    }
    if let output = process.stdout {
      readLines(from: output, onLine)
      close(output)
    }
    hasEnded.wait()
    return Int(end.withLock { $0?.code ?? 255 })
  }

  private func readLines(from descriptor: Int32, _ onLine: (String) -> Void) {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      pending.append(contentsOf: buffer.prefix(count))
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        onLine(String(decoding: pending[..<end], as: UTF8.self))
        pending.removeSubrange(...end)
      }
      if pending.count > 65_536 { pending = [] }
    }
  }
}
