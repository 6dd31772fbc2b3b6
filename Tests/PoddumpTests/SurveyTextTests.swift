import Base
import Foundation
import Testing

@testable import Broker
@testable import poddump

/// What `poddump plan` prints for several.
@Suite struct SurveyTextTests {
  private static let refused = Decision(options: [
    Decision.Option(
      route: .exec,
      verdict: .refused(
        Failure(.noRoute, "Cannot look into it.", why: "It has no shell.", fix: "Take another.")))
  ])

  private static func survey() -> Survey {
    var survey = Survey()
    survey.followed = ["deploy/api"]
    survey.members = [
      Survey.Member(name: "shop/api-1", decision: .success(refused)),
      Survey.Member(
        name: "shop/none",
        decision: .failure(Failure(.notFound, "There is no pod shop/none.", fix: "Look for it."))),
    ]
    survey.omitted = 3
    return survey
  }

  @Test func eachHasItsPlanOrTheReasonWhyItHasNone() {
    #expect(
      SurveyText(survey: Self.survey(), isSingle: false).text == """
        follows deploy/api: pods that appear join the stream, and those that go are closed

        == shop/api-1
        route exec: refused. It has no shell. Take another.

        Nothing would be run.

        == shop/none
        There is no pod shop/none. Look for it.

        and 3 more, of which no plan was made

        """)
  }

  @Test func theSameAsData() throws {
    let json = SurveyText(survey: Self.survey(), isSingle: false).json.text()
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(object["follows"] as? [String] == ["deploy/api"])
    #expect(object["omitted"] as? Int == 3)
    let members = try #require(object["members"] as? [[String: Any]])
    #expect(members.map { $0["name"] as? String } == ["shop/api-1", "shop/none"])
    #expect((members[0]["plan"] as? [String: Any])?["routes"] != nil)
    #expect(
      members[1]["plan"] is NSNull && members[1]["what"] as? String == "There is no pod shop/none.")
  }

  @Test func oneIsAsItWas() {
    var survey = Survey()
    survey.members = [Survey.Member(name: "shop/web", decision: .success(Self.refused))]
    #expect(
      SurveyText(survey: survey, isSingle: true).text == PlanText(decision: Self.refused).text)
  }

  @Test func nothingUsableIsAFailure() {
    #expect(throws: Failure.self) { try Self.survey().check() }
  }
}
