/// Which kubeconfig files a listing was made with, and what they looked like then: enough to notice
/// that one has changed, without reading it.
package struct Kubeconfig: Equatable, Sendable {
  /// One file as it was seen.
  package struct File: Equatable, Sendable {
    /// The absolute path.
    package var path: String
    /// The time of its last change, in nanoseconds since 1970; 0 if there was no such file.
    package var modified: Int64
    /// The size in bytes; -1 if there was no such file.
    package var size: Int64

    /// Creates a record of a file.
    package init(path: String, modified: Int64, size: Int64) {
      self.path = path
      self.modified = modified
      self.size = size
    }

    /// Looks at a file now.
    package init(observing path: String) {
      self =
        fileStatus(path).map { File(path: path, modified: $0.modified, size: $0.size) }
        ?? File(path: path, modified: 0, size: -1)
    }
  }

  /// The files, in the order in which kubectl merges them.
  package var files: [File]

  /// Creates a record of files.
  package init(files: [File]) {
    self.files = files
  }

  /// Looks at the files now. Take the paths absolute: Wireshark starts us in a folder of its own.
  package init(observing paths: [String]) {
    files = paths.map(File.init(observing:))
  }

  /// Whether any of the files has been changed, made or removed since.
  package var hasChanged: Bool {
    files.contains { File(observing: $0.path) != $0 }
  }
}
