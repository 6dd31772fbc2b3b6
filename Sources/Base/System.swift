#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The system's words for an `errno` value (strerror(3)).
package func errorText(_ code: Int32) -> String {
  // strerror_r differs between GNU and POSIX; strerror's answer is copied at once.
  String(cString: strerror(code))
}

/// The value of an environment variable, nil when it is unset or empty.
package func environmentValue(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}

/// A path as it reads from any working directory.
package func absolutePath(_ path: String) -> String {
  guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
  defer { free(folder) }
  return String(cString: folder) + "/" + path
}

/// The path without links; nil if it leads nowhere.
package func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// Whether the path is a regular file that this user may run.
package func isProgram(_ path: String) -> Bool {
  var info = stat()
  return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
}

/// A number that is not negative, with zeros in front up to so many digits.
package func zeroPadded(
  _ number: some BinaryInteger, _ digits: Int, radix: Int = 10, uppercase: Bool = false
) -> String {
  let text = String(number, radix: radix, uppercase: uppercase)
  return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

/// Makes foreign text safe to show: control characters, escape sequences and bytes that are no
/// UTF-8 are replaced, so that nothing from the far end can drive the user's terminal.
///
/// - Parameters:
///   - text: Text from the cluster or the far end.
///   - limit: The most characters kept.
/// - Returns: The text with `�` in place of what is not shown, and `…` where it was cut.
package func printable(_ text: some StringProtocol, limit: Int = 2000) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < limit else {
      result += "…"
      break
    }
    count += 1
    switch scalar.properties.generalCategory {
    case .control where scalar == "\n":
      result.unicodeScalars.append(scalar)
    case .control where scalar == "\t":
      result += " "
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      result += "�"
    default:
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}
