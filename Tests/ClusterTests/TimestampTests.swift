import Cluster
import Testing

/// Points in time, from the API and to it.
@Suite struct TimestampTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
      (951_868_799, "2000-02-29T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
      (1_795_392_000, "2026-11-23T00:00:00Z"), (2_147_483_648, "2038-01-19T03:14:08Z"),
      (-1, "1969-12-31T23:59:59Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
    ])
  func texts(_ seconds: Int, _ text: String) {
    #expect(Timestamp.text(seconds) == text)
    #expect(Timestamp.unixSeconds(text) == seconds)
  }

  @Test func thereAndBack() {
    // A step that has no part in common with days, weeks or years.
    for seconds in stride(from: -62_135_596_800, through: 253_402_300_799, by: 9_999_999_967) {
      #expect(Timestamp.unixSeconds(Timestamp.text(seconds)) == seconds)
    }
    for seconds in stride(from: 1_700_000_000, to: 1_900_000_000, by: 999_983) {
      #expect(Timestamp.unixSeconds(Timestamp.text(seconds)) == seconds)
    }
  }
}
