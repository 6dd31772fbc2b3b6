import TestSupport
import Testing

/// Lets a suite's tests, and the tasks that they start, run on threads of their own.
struct OwnThreadsTrait: TestTrait, SuiteTrait, TestScoping {
  let isRecursive = true

  @concurrent func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(OwnThreads.shared) { try await function() }
  }
}

extension Trait where Self == OwnThreadsTrait {
  /// For tests in which time counts.
  static var ownThreads: Self { Self() }
}
