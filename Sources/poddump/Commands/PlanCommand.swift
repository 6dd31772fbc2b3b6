internal import ArgumentParser
internal import Base
internal import Broker
internal import Packets

/// `poddump plan`: what a capture would do, and why; changes nothing.
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Show what a capture would do and why, without doing it.")

  /// `-o`.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  @OptionGroup var options: CaptureOptions
  @OptionGroup(title: "Settings for this capture alone") var settings: SettingOverrides
  @OptionGroup var messages: MessageOptions

  @Option(name: [.short, .long], help: "How to print.")
  var output: Format = .text

  func run() async throws {
    let configuration = try Configuration.load().overridden(by: settings)
    let order = try options.order(configuration)
    try await order.request.checkFilter(within: .seconds(5))
    let kubectl = try options.kubernetes.kubectl()
    let finder = try options.finder(configuration, kubectl)
    let survey = try await finder.survey(order)
    let text = SurveyText(survey: survey, isSingle: order.isSingle)
    Terminal.answer(output == .json ? text.json.text() + "\n" : text.text)
    try survey.check()
  }
}
