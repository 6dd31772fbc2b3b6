#if canImport(Darwin)
extension Wireshark {
  /// What the program with the window is called: in its application's folder, and elsewhere.
  static let windowNames = ["Wireshark", "wireshark"]
}
#endif
