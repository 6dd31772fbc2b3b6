internal import Base
internal import Broker

extension Journal {
  /// The user's journal, with a janitor that is started at the first entry.
  ///
  /// - Throws: `Failure` when there is no place for it.
  static func ofUser() throws(Failure) -> Journal {
    Journal(
      folder: try folderOfUser(),
      janitor: JanitorPost { (folder, input) throws(Failure) in
        try startJanitor(ownPath(), folder, input)
      })
  }

  /// Where the user's journal is.
  static func folderOfUser() throws(Failure) -> String {
    guard let folder = Journal.standardFolder else {
      throw Failure(
        .other, "There is no place to write down what is to be undone later.",
        why: "Neither XDG_STATE_HOME nor HOME is set.", fix: "Set one of them.")
    }
    return folder
  }
}

/// Starts our own program as the janitor of a journal.
///
/// - Parameters:
///   - program: The program's path.
///   - folder: The journal's folder.
///   - input: Its standard input, whose end it waits for.
/// - Throws: `Failure` when it cannot be started.
func startJanitor(_ program: String?, _ folder: String, _ input: OwnedFD) throws(Failure) {
  guard let program else {
    throw Failure(
      .other, "Cannot start the janitor that undoes everything if poddump is killed.",
      why: "The system does not say where this program's file is.")
  }
  let owner = ProcessIdentity.current
  try startDetached(
    program, [JanitorCommand.name, folder, String(owner.pid), owner.start], input: input)
}
