import Foundation
import Testing

@testable import Extcap

/// Reads answers as Wireshark's tokeniser does, and says what it would stumble over. Written from
/// extcap_parser.c, independently of the code under test.
struct WiresharkLint {
  struct Line {
    var keyword: String
    var parameters: [String: String]
  }

  private(set) var lines: [Line] = []
  private(set) var problems: [String] = []

  private static let keywords = ["extcap", "interface", "dlt", "arg", "value", "control"]
  private static let types = [
    "integer", "unsigned", "long", "double", "string", "password", "boolean", "boolflag",
    "selector",
    "editselector", "radio", "fileselect", "multicheck", "timestamp",
  ]

  init(_ bytes: [UInt8]) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      problems.append("not UTF-8")
      return
    }
    guard text.isEmpty || text.hasSuffix("\n") else {
      problems.append("no line feed at the end")
      return
    }
    let start = try NSRegularExpression(
      pattern: "^(extcap|interface|dlt|arg|value|control) \\{")
    let parameter = try NSRegularExpression(pattern: "\\{([a-zA-Z_-]*?)=(.*?)\\}(?=\\{|$|\\s)")
    for raw in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    {
      let line = String(raw)
      let all = NSRange(line.startIndex..., in: line)
      for scalar in line.unicodeScalars
      where scalar.properties.generalCategory == .control
        || scalar.properties.generalCategory == .format
      {
        problems.append("control character \(scalar.value) in: \(line)")
      }
      guard start.firstMatch(in: line, range: all) != nil else {
        problems.append("no sentence: \(line)")
        continue
      }
      var parameters: [String: String] = [:]
      var rebuilt = ""
      for match in parameter.matches(in: line, range: all) {
        guard let key = Range(match.range(at: 1), in: line),
          let value = Range(match.range(at: 2), in: line)
        else { continue }
        if parameters.updateValue(String(line[value]), forKey: String(line[key])) != nil {
          problems.append("twice the same key: \(line)")
        }
        rebuilt += "{\(line[key])=\(line[value])}"
      }
      let keyword = String(line.prefix { $0 != " " })
      // Nothing may fall between the parameters that Wireshark finds.
      if keyword + " " + rebuilt != line { problems.append("taken apart otherwise: \(line)") }
      lines.append(Line(keyword: keyword, parameters: parameters))
    }
  }

  /// Checks the answer to `--extcap-interfaces`.
  mutating func checkInterfaces() throws {
    let value = try NSRegularExpression(
      pattern: "^(poddump|(pod|deploy|sts|ds|svc):[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]*"
        + "(~[0-9a-f]{10}|@[a-z0-9][a-z0-9.-]*|@~[0-9a-f]{10})?"
        + "|node:[a-z0-9][a-z0-9.-]*(~[0-9a-f]{10}|@[a-z0-9][a-z0-9.-]*|@~[0-9a-f]{10})?)$")
    var taken: Set<String> = []
    for (index, line) in lines.enumerated() {
      guard (line.keyword == "extcap") == (index == 0) else {
        problems.append("extcap must be the first line")
        continue
      }
      if index == 0 {
        if line.parameters["version"] == nil || line.parameters["help"] == nil {
          problems.append("no version or help")
        }
        continue
      }
      if line.keyword == "control" {
        try checkControl(line)
        continue
      }
      guard line.keyword == "interface", let text = line.parameters["value"],
        line.parameters["display"]?.isEmpty == false
      else {
        problems.append("no interface with value and display: \(line)")
        continue
      }
      if value.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) == nil {
        problems.append("not one of our values: \(text)")
      }
      if text.utf8.count > 200 { problems.append("longer than 200 bytes: \(text)") }
      if !taken.insert(text.lowercased()).inserted { problems.append("listed twice: \(text)") }
    }
    let numbers = lines.filter { $0.keyword == "control" }.map { $0.parameters["number"] }
    if Set(numbers).count != numbers.count { problems.append("a control's number twice") }
    if lines.filter({ $0.parameters["value"] == "poddump" }).count != 1 {
      problems.append("the portal must be listed once")
    }
  }

  private mutating func checkControl(_ line: Line) throws {
    let parameters = line.parameters
    guard let number = parameters["number"].flatMap({ Int($0) }), (0...255).contains(number),
      parameters["display"]?.isEmpty == false,
      ["boolean", "button", "selector", "string"].contains(parameters["type"] ?? ""),
      ["control", "help", "logger", "restore"].contains(parameters["role"] ?? "control")
    else {
      problems.append("no control: \(line)")
      return
    }
  }

  /// Checks the answer to `--extcap-config`.
  mutating func checkConfig(isPortal: Bool) throws {
    let call = try NSRegularExpression(pattern: "^--[a-z0-9_.-]+$")
    var preferences: Set<String> = []
    var types: [String: String] = [:]
    for line in lines {
      let parameters = line.parameters
      if line.keyword == "value" {
        if !["selector", "editselector"].contains(types[parameters["arg"] ?? ""] ?? "") {
          problems.append("a value of no selector: \(parameters)")
        }
        if parameters["value"] == nil || parameters["display"]?.isEmpty != false {
          problems.append("a value without value or display: \(parameters)")
        }
        continue
      }
      guard line.keyword == "arg", let number = parameters["number"], Int(number) != nil,
        let name = parameters["call"], let display = parameters["display"],
        let type = parameters["type"]
      else {
        problems.append("no argument: \(line)")
        continue
      }
      if types.updateValue(type, forKey: number) != nil {
        problems.append("number \(number) twice")
      }
      if !Self.types.contains(type) { problems.append("unknown type \(type)") }
      if call.firstMatch(in: name, range: NSRange(name.startIndex..., in: name)) == nil {
        problems.append("Wireshark would abort because of the call \(name)")
      }
      if !preferences.insert(name.filter { $0 != "-" }).inserted {
        problems.append("\(name) shares its preference")
      }
      if display.count > 80 || display.isEmpty { problems.append("title of \(name)") }
      if parameters["required"] == "true", parameters["default"] != nil {
        problems.append("\(name) is required and has a default")
      }
      if type == "boolflag", parameters["default"] == "true" {
        problems.append("\(name) is a flag that is on")
      }
      if (parameters["save"] == "false") == isPortal { problems.append("saving of \(name)") }
      for key in ["required", "reload", "save", "mustexist"] {
        if let value = parameters[key], value != "true", value != "false" {
          problems.append("\(key)=\(value)")
        }
      }
    }
  }
}
