#if os(Linux)
extension Wireshark {
  /// What the program with the window is called.
  static let windowNames = ["wireshark"]
}
#endif
