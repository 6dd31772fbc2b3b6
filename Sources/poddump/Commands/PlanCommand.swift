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
  @OptionGroup var messages: MessageOptions

  @Option(name: [.short, .long], help: "How to print.")
  var output: Format = .text

  func run() async throws {
    let request = try options.request(Configuration.load())
    try CaptureFilter.check(
      request.filter, linkType: .expected(onInterface: request.interface ?? "eth0"))
    let kubectl = try options.kubernetes.kubectl()
    let facts = try await FactFinder(kubectl: kubectl).gather(request)
    let decision = decide(request, facts: facts, kubectl: kubectl)
    let text = PlanText(decision: decision)
    Terminal.answer(output == .json ? text.json.text() + "\n" : text.text)
    _ = try decision.chosen()
  }
}
