internal import Base

/// A path of the API with its query, encoded as `kubectl get --raw` takes it.
package struct APIPath: Sendable, Equatable {
  /// "/api/v1/pods?labelSelector=app%3Dapi".
  package let text: String

  /// Joins checked path elements and a query.
  ///
  /// - Parameters:
  ///   - path: The path; everything in it must be constant or have been checked as a name.
  ///   - query: Names and values in order; values are encoded here, nil ones left out.
  init(_ path: String, _ query: [(String, String?)] = []) {
    let parts = query.compactMap { name, value in
      value.map { "\(name)=\(Self.encoded($0))" }
    }
    text = parts.isEmpty ? path : "\(path)?\(parts.joined(separator: "&"))"
  }

  /// Encodes everything but the unreserved characters of RFC 3986 section 2.3.
  static func encoded(_ value: String) -> String {
    PercentCoding.encoded(value) { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        true
      default: false
      }
    }
  }
}
