internal import Base
internal import Broker

/// What `poddump plan` prints: the plan of one, or those of several and what is followed.
struct SurveyText {
  let survey: Survey
  let isSingle: Bool

  /// For people.
  var text: String {
    if isSingle, case .success(let decision)? = survey.members.first?.decision {
      return PlanText(decision: decision).text
    }
    var text = ""
    for followed in survey.followed {
      text +=
        "follows \(followed): pods that appear join the stream, and those that go are closed\n"
    }
    for member in survey.members {
      text += "\n== \(member.name)\n"
      switch member.decision {
      case .success(let decision): text += PlanText(decision: decision).text
      case .failure(let failure): text += "\(failure.sentence)\n"
      }
    }
    if survey.omitted > 0 { text += "\nand \(survey.omitted) more, of which no plan was made\n" }
    return text
  }

  /// The same as data: for one its plan, for several an object that has them all.
  var json: JSONText {
    if isSingle, case .success(let decision)? = survey.members.first?.decision {
      return PlanText(decision: decision).json
    }
    return .object([
      ("follows", .strings(survey.followed)),
      (
        "members",
        .array(
          survey.members.map { member in
            switch member.decision {
            case .success(let decision):
              .object([("name", .string(member.name)), ("plan", PlanText(decision: decision).json)])
            case .failure(let failure):
              .object([
                ("name", .string(member.name)), ("plan", .null), ("what", .string(failure.what)),
                ("why", .optional(failure.why)), ("fix", .optional(failure.fix)),
              ])
            }
          })
      ), ("omitted", .number(survey.omitted)),
    ])
  }
}
