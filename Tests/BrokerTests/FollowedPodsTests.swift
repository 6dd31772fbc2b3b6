import Cluster
import Testing

@testable import Broker

/// When nothing more is to be expected of what is followed.
@Suite struct FollowedPodsTests {
  private static func followed(isJob: Bool, _ phases: String...) -> Sought.Followed {
    let pods = phases.enumerated().map { index, phase in
      var pod = Pod(namespace: "shop", name: "once-\(index)")
      pod.uid = "uid-\(index)"
      pod.phase = phase
      return pod
    }
    return Sought.Followed(
      text: "job/once", query: PodQuery(namespace: "shop"), isJob: isJob,
      pods: Listed(items: pods, isComplete: true))
  }

  @Test(arguments: [
    // A Job whose pods have succeeded, or have been deleted since, makes no further ones.
    ([followed(isJob: true, "Succeeded", "Succeeded")], true), ([followed(isJob: true)], true),
    ([followed(isJob: true, "Succeeded", "Running")], false),
    ([followed(isJob: true, "Succeeded", "Pending")], false),
    // It tries again.
    ([followed(isJob: true, "Succeeded", "Failed")], false),
    // Whatever else makes pods makes new ones.
    ([followed(isJob: false, "Succeeded")], false), ([followed(isJob: false)], false),
    ([followed(isJob: true, "Succeeded"), followed(isJob: false)], false), ([], false),
  ])
  func onlyJobsAreEverOver(followed: [Sought.Followed], isOver: Bool) {
    #expect(FollowedPods(followed) {}.areOver == isOver)
  }
}
