internal import CCrypto
internal import Synchronization

/// A passphrase or password: at one place in memory, and wiped when it goes.
final class Secret {
  /// The longest one, as OpenSSH takes it, in bytes.
  static let limit = 1023

  private let memory: UnsafeMutableBufferPointer<CChar>
  private(set) var count = 0

  init() {
    memory = .allocate(capacity: Self.limit + 1)
    memory.initialize(repeating: 0)
  }

  /// Adds a byte; those beyond the limit are dropped.
  func append(_ byte: UInt8) {
    guard count < Self.limit else { return }
    memory[count] = CChar(bitPattern: byte)
    count += 1
  }

  func removeLast() {
    guard count > 0 else { return }
    count -= 1
    memory[count] = 0
  }

  /// Lends the bytes, which end in NUL.
  func withCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R? {
    memory.baseAddress.map { body($0) }
  }

  /// Lends the bytes without the NUL.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count]))
  }

  deinit {
    OPENSSL_cleanse(memory.baseAddress, memory.count)
    memory.deallocate()
  }
}

/// Makes bytes unreadable before their memory is given back.
func wipe(_ bytes: inout [UInt8]) {
  bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}
