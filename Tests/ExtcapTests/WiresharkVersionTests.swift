import Testing

@testable import Extcap

struct WiresharkVersionTests {
  @Test(arguments: [
    ("4.0", 4, 0), ("4.4.18", 4, 4), ("10.2", 10, 2), ("4.6.0rc1", 4, 6),
  ])
  func reads(text: String, major: Int, minor: Int) {
    #expect(WiresharkVersion(text) == WiresharkVersion(major: major, minor: minor))
  }

  @Test(arguments: ["", "4", "4.", ".4", "x.y", "4.x", "-1.0", "4.99999999999999999999", "99999.0"])
  func refuses(text: String) {
    #expect(WiresharkVersion(text) == nil)
  }

  @Test func theOlderOfTwoCounts() throws {
    let folder = try TemporaryFolder()
    let cache = ListingCache(folder: folder("cache"))
    #expect(cache.wireshark() == .unknown)
    let day: Int64 = 24 * 3600
    for (version, now, wanted) in [
      ("4.4", 0, "4.4"), ("4.6", 10, "4.4"), ("4.0", 20, "4.0"), (nil, 25, "4.0"),
      ("junk", 30, "4.0"),
      ("4.4", 2 * day, "4.0"), ("4.0", 3 * day, "4.0"), ("4.4", 9 * day, "4.0"),
      ("4.4", 10 * day, "4.4"), ("4.6", 0, "4.6"),
    ] as [(String?, Int64, String)] {
      try cache.noteWireshark(version, at: now)
      #expect(cache.wireshark() == WiresharkVersion(wanted), "\(version ?? "none") at \(now)")
    }
  }
}
