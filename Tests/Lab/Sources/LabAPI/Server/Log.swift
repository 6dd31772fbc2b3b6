internal import Foundation

/// Lines for whoever runs the server, on stderr.
package enum Log {
  package static func write(_ line: String) {
    FileHandle.standardError.write(Data("lab-api: \(line)\n".utf8))
  }
}
