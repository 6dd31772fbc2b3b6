#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import Base

/// Who runs this program, as far as ssh's settings depend on it.
package struct LocalUser: Sendable {
  package var login: String
  package var home: String
  package var id: UInt32
  /// This machine's name.
  package var machine: String
  /// Looks an environment variable up.
  package var variable: @Sendable (String) -> String?

  package init(
    login: String, home: String, id: UInt32, machine: String,
    variable: @escaping @Sendable (String) -> String?
  ) {
    self.login = login
    self.home = home
    self.id = id
    self.machine = machine
    self.variable = variable
  }

  /// The user of this process. Like ssh, from the user database rather than HOME and USER.
  package static var current: LocalUser {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var texts = [CChar](repeating: 0, count: 16 << 10)
    var login: String?
    var home: String?
    if getpwuid_r(getuid(), &entry, &texts, texts.count, &found) == 0, found != nil {
      login = entry.pw_name.map { String(cString: $0) }
      home = entry.pw_dir.map { String(cString: $0) }
    }
    var machine = [CChar](repeating: 0, count: 256)
    _ = gethostname(&machine, machine.count - 1)
    let bytes = machine.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return LocalUser(
      login: login ?? environmentValue("USER") ?? "", home: home ?? environmentValue("HOME") ?? "",
      id: getuid(), machine: String(decoding: bytes, as: UTF8.self), variable: environmentValue)
  }
}
