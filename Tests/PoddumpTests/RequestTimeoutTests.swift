import ArgumentParser
import Cluster
import Testing

@testable import poddump

/// How long kubectl is waited for.
@Suite struct RequestTimeoutTests {
  private func patience(_ words: String..., isAttended: Bool) throws -> Patience {
    try KubernetesOptions.parse(words).patience(isAttended: isAttended)
  }

  @Test func unattendedAServerIsGivenUpSoon() throws {
    #expect(try patience(isAttended: false) == .standard)
  }

  @Test func aPersonHasTimeToLogInAndIsTold() throws {
    let patience = try patience(isAttended: true)
    #expect(patience.silence == .seconds(30) && patience.total >= .seconds(60))
    #expect(patience.notice != nil)
  }

  @Test(arguments: [("10s", Duration.seconds(10)), ("1m", .seconds(60)), ("90", .seconds(90))])
  func theOptionDecides(_ word: String, _ time: Duration) throws {
    for isAttended in [false, true] {
      let patience = try patience("--request-timeout", word, isAttended: isAttended)
      #expect(patience.silence == time && patience.total >= max(time * 2, .seconds(60)))
      #expect((patience.notice != nil) == isAttended)
    }
  }

  @Test func zeroIsForEver() throws {
    #expect(try patience("--request-timeout=0", isAttended: false).silence > .seconds(86_400))
    let most = "--request-timeout=\(Int.max)ms"
    #expect(try patience(most, isAttended: false).silence == Patience.endless.silence)
  }

  @Test(arguments: ["soon", "-1s", ""]) func anythingElseIsRefused(_ word: String) {
    #expect(throws: (any Error).self) {
      try patience("--request-timeout=\(word)", isAttended: false)
    }
  }
}
