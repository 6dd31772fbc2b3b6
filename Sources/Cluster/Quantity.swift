/// An amount as Kubernetes writes it: "128Mi", "1.5G", "100m", "1e3".
package enum Quantity {
  /// The amount in whole units (bytes for memory), rounded up as Kubernetes does; an amount that does
  /// not fit is the greatest `Int`.
  ///
  /// The grammar is apimachinery's `resource.Quantity`: a decimal number, then a binary suffix (Ki …
  /// Ei), a decimal one (n, u, m, k … E) or a decimal exponent.
  ///
  /// - Returns: nil when the text is no quantity.
  package static func value(_ text: some StringProtocol) -> Int? {
    var rest = Substring(text)[...]
    var isNegative = false
    if let first = rest.first, first == "-" || first == "+" {
      isNegative = first == "-"
      rest.removeFirst()
    }
    let whole = takeDigits(&rest)
    var fraction = Substring()
    if rest.first == "." {
      rest.removeFirst()
      fraction = takeDigits(&rest)
    }
    guard !whole.isEmpty || !fraction.isEmpty, let scale = scale(of: rest) else { return nil }
    let magnitude = magnitude(whole: whole, fraction: fraction, scale: scale)
    return isNegative ? -magnitude : magnitude
  }

  private enum Scale {
    case times(Int)
    case power(Int)
  }

  private static func scale(of suffix: Substring) -> Scale? {
    switch suffix {
    case "": return .times(1)
    case "Ki": return .times(1 << 10)
    case "Mi": return .times(1 << 20)
    case "Gi": return .times(1 << 30)
    case "Ti": return .times(1 << 40)
    case "Pi": return .times(1 << 50)
    case "Ei": return .times(1 << 60)
    case "n": return .power(-9)
    case "u": return .power(-6)
    case "m": return .power(-3)
    case "k": return .power(3)
    case "M": return .power(6)
    case "G": return .power(9)
    case "T": return .power(12)
    case "P": return .power(15)
    case "E": return .power(18)
    default: break
    }
    guard let first = suffix.first, first == "e" || first == "E" else { return nil }
    guard let power = Int(suffix.dropFirst()) else { return nil }
    return .power(min(max(power, -400), 400))
  }

  private static func magnitude(whole: Substring, fraction: Substring, scale: Scale) -> Int {
    var factor = 1
    switch scale {
    case .times(let value): factor = value
    case .power(let power) where (0...18).contains(power):
      for _ in 0..<power { factor *= 10 }
    case .power:
      factor = 0
    }
    if factor > 0, fraction.isEmpty {
      // Digits only: the one way this conversion fails is a number that is too great.
      let (product, overflow) = (Int(whole) ?? .max).multipliedReportingOverflow(by: factor)
      return overflow ? .max : product
    }
    var number = Double("\(whole.isEmpty ? "0" : whole).\(fraction.isEmpty ? "0" : fraction)") ?? 0
    switch scale {
    case .times(let value): number *= Double(value)
    case .power(let power):
      for _ in 0..<power.magnitude { number = power < 0 ? number / 10 : number * 10 }
    }
    // However little is left of it, something is more than nothing.
    let isZero = !(whole + fraction).contains { $0 != "0" }
    return isZero ? 0 : max(1, Int(exactly: number.rounded(.up)) ?? .max)
  }

  private static func takeDigits(_ rest: inout Substring) -> Substring {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest[digits.endIndex...]
    return digits
  }
}
