import Testing

@testable import Extcap

/// The judge of the other tests is judged: each of these is known to go wrong in Wireshark.
struct WiresharkLintTests {
  private static let head = "extcap {version=1}{help=x}\ninterface {value=poddump}{display=x}\n"

  @Test(arguments: [
    head + "interface {value=pod:a/B}{display=x}", head + "interface {value=eth0}{display=x}",
    head + "interface {value=pod:a/b}", head + "interface {value=pod:a/b}{display=}",
    head + "interface {value=pod:a/b}{display=a} b}",
    head + "interface {value=pod:a/b}{display=a\tb}",
    head + "interface {value=poddump}{display=x}", head + " interface {value=pod:a/b}{display=x}",
    head + "interface{value=pod:a/b}{display=x}", head + "interface {value=pod:a/b}{display=x}\r",
    head + "interface {value=pod:a/\(String(repeating: "b", count: 200))}{display=x}",
    head + "extcap {version=1}{help=x}", head + "hello", head + "\n",
    "interface {value=poddump}{display=x}", "extcap {version=1}{help=x}",
  ])
  func badListsAreFound(text: String) throws {
    var lint = try WiresharkLint(Array((text + "\n").utf8))
    try lint.checkInterfaces()
    #expect(!lint.problems.isEmpty)
  }

  @Test(arguments: [
    "arg {number=0}{call=--Foo}{display=x}{type=string}",
    "arg {number=0}{call=--foo:bar}{display=x}{type=string}",
    "arg {number=0}{call=--foo}{display=\(String(repeating: "x", count: 81))}{type=string}",
    "arg {number=0}{call=--foo}{display=x}{type=table}", "arg {number=0}{call=--foo}{type=string}",
    "arg {number=0}{call=--foo}{display=x}{type=string}{required=true}{default=y}",
    "arg {number=0}{call=--foo}{display=x}{type=boolflag}{default=true}",
    "arg {number=0}{call=--foo}{display=x}{type=string}{save=false}",
    "arg {number=0}{call=--foo}{display=x}{type=string}{required=yes}",
    "arg {number=0}{call=--a-b}{display=x}{type=string}\narg {number=1}{call=--ab}{display=x}{type=string}",
    "arg {number=0}{call=--a}{display=x}{type=string}\narg {number=0}{call=--b}{display=x}{type=string}",
    "arg {number=0}{call=--foo}{display=x}{type=string}\nvalue {arg=0}{value=x}{display=x}",
    "value {arg=0}{value=x}{display=x}",
    "arg {number=0}{call=--foo}{display=x}{type=selector}\nvalue {arg=0}{value=x}",
    "arg {number=0}{call=--foo}{display=x}{type=selector}\nvalue {arg=0}{value=a}{b}{display=x}",
  ])
  func badArgumentsAreFound(text: String) throws {
    var lint = try WiresharkLint(Array((text + "\n").utf8))
    try lint.checkConfig(isPortal: true)
    #expect(!lint.problems.isEmpty)
  }

  @Test func badBytesAreFound() throws {
    #expect(try !WiresharkLint([0xff, 0x0a]).problems.isEmpty)
    #expect(try !WiresharkLint(Array("dlt {number=1}".utf8)).problems.isEmpty)
    #expect(try WiresharkLint(Array("dlt {number=1}\n".utf8)).problems.isEmpty)
  }
}
