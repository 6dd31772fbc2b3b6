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
