import Foundation
import Testing

/// What `poddump plan -o json` answers.
struct PlanAnswer: Decodable {
  struct Route: Decodable {
    var route: String
    var usable: Bool
    var what: String?
    var why: String?
    var fix: String?

    /// The refusal as `capture` says it.
    var sentence: String { [what, why, fix].compactMap(\.self).joined(separator: " ") }
  }
  struct Step: Decodable {
    var does: String
    /// Nil for what goes through the capture's own connection.
    var here: [String]?
    var manifest: String?
    var undone: String
  }
  struct Chosen: Decodable {
    var route: String
    var engine: String
    var first: [Step]
    var there: [String]
    var leaves: String
  }
  var routes: [Route]
  var chosen: Chosen?

  /// - Throws: When it is no answer.
  init(_ run: Finished, sourceLocation: SourceLocation = #_sourceLocation) throws {
    do {
      self = try JSONDecoder().decode(PlanAnswer.self, from: run.bytes)
    } catch {
      Issue.record("no plan: \(run.output)\(run.errors)", sourceLocation: sourceLocation)
      throw error
    }
  }

  subscript(name: String) -> Route? { routes.first { $0.route == name } }
}
