/// How a shell numbers the end of a command by a signal (RFC 4254, 6.10: signals by name).
enum ExitSignal {
  private static let numbers: [String: Int32] = [
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13,
    "ALRM": 14, "TERM": 15, "USR1": 10, "USR2": 12,
  ]

  /// 128 and the signal's number on Linux, or 255, which ssh(1) has for what it cannot tell.
  static func status(_ name: String) -> Int32 {
    numbers[name].map { 128 + $0 } ?? 255
  }
}
