import Testing

@testable import poddump

/// The status field, as text.
struct ToolbarTextTests {
  @Test func theFieldSaysWhereFromAndHowMuch() {
    let some = Toolbar.Counted(packets: 1200, bytes: 120_000)
    #expect(
      Toolbar.text("shop/web by exec", some, before: nil)
        == "shop/web by exec: 1200 packets, 120.0 kB")
    let before = Toolbar.Counted(packets: 1120, bytes: 100_000)
    #expect(
      Toolbar.text("x", some, before: (before, .seconds(2)))
        == "x: 1200 packets, 120.0 kB, 40 packets/s")
    let lossy = Toolbar.Counted(packets: 7, bytes: 0, drops: 3)
    #expect(
      Toolbar.text("x", lossy, before: (before, .seconds(2)))
        == "x: 7 packets, 0 B, 0 packets/s, 3 dropped")
    // Two looks one after the other say nothing about a rate.
    #expect(Toolbar.text("x", lossy, before: (lossy, .zero)) == "x: 7 packets, 0 B, 3 dropped")
  }
}
