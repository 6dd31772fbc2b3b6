internal import Dispatch

/// Runs tasks on threads of its own. Tests share a pool of as many threads as there are cores, and one
/// that computes for a minute there would make a heartbeat of another late by a minute.
package final class OwnThreads: TaskExecutor {
  /// The one for all tests.
  package static let shared = OwnThreads()

  private let queue = DispatchQueue(label: "test.tasks", attributes: .concurrent)

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
