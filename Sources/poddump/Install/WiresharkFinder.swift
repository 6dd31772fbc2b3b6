internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A Wireshark on this machine, and what it says of itself.
struct FoundWireshark: Sendable, Equatable {
  /// The path of its tshark, or of what there is instead.
  var program: String
  /// What can be said about it.
  var state: State

  enum State: Sendable, Equatable {
    /// Its tshark answers.
    case asked(WiresharkFolders, version: String?)
    /// There is a wireshark without a tshark, which could be asked.
    case withoutTshark
    /// Its tshark does not answer.
    case silent(Failure)
    /// It runs in a sandbox of that sort: it sees neither our link nor kubectl.
    case sandboxed(Sandbox)
  }

  enum Sandbox: String, Sendable { case flatpak = "Flatpak", snap = "Snap" }
}

extension FoundWireshark {
  /// Asks it whether its list has poddump, if it can be asked.
  func verdict() async -> InstallText.Verdict {
    switch state {
    case .sandboxed: return .never
    case .withoutTshark, .silent: return .unknown
    case .asked:
      guard let listed = try? await Wireshark.interfaces(program) else { return .unknown }
      // "9. pod:shop/web (shop/web · n1 · lab)"
      let values = listed.compactMap { $0.split(separator: " ").dropFirst().first }
      return values.contains("poddump")
        ? .shows(pods: values.count { $0.hasPrefix("pod:") })
        : .doesNotShow(interfaces: listed.count)
    }
  }
}

/// What `tshark -G folders` says: lines of a title, a colon, blanks and a tab, and a path.
struct WiresharkFolders: Sendable, Equatable {
  /// Where it looks for the user's own extcaps.
  var personal: [String] = []
  /// Where it looks for everybody's. If none of them is there, it looks nowhere.
  var global: [String] = []

  init(_ text: String) {
    var configuration: String?
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let path = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      guard path.hasPrefix("/") else { continue }
      switch line[..<colon] {
      case "Personal Extcap path": personal.append(String(path))
      case "Extcap path", "Global Extcap path": global.append(String(path))
      case "Personal configuration": configuration = String(path)
      default: break
      }
    }
    // 4.0 does not name it.
    if personal.isEmpty, let configuration { personal = [configuration + "/extcap"] }
  }

  /// The version in the first line of `tshark --version`: "4.0.17".
  static func version(_ text: String) -> String? {
    let words = text.prefix { $0 != "\n" }.split(separator: " ")
    return words.first { $0.first?.isNumber == true && $0.contains(".") }
      .map { String($0.prefix { $0.isNumber || $0 == "." }) }
      .map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
  }
}

/// Looks for every Wireshark on this machine.
enum WiresharkFinder {
  /// Finds them and asks each.
  static func all() async -> [FoundWireshark] {
    var found: [FoundWireshark] = []
    for candidate in candidates(places()) {
      guard candidate.state == .withoutTshark, candidate.program.hasSuffix("/tshark") else {
        found.append(candidate)
        continue
      }
      var candidate = candidate
      do throws(Failure) {
        let folders = try await Wireshark.output(candidate.program, ["-G", "folders"])
        let version = try await Wireshark.output(candidate.program, ["--version"])
        candidate.state = .asked(
          WiresharkFolders(folders), version: WiresharkFolders.version(version))
      } catch {
        candidate.state = .silent(error)
      }
      found.append(candidate)
    }
    return found
  }

  /// The folders to look in: those of PATH first, then where packages put programs.
  private static func places() -> [String] {
    let home = environmentValue("HOME") ?? ""
    let known = KubectlFinder.directories(environmentValue)
    let further =
      names(in: "/opt").map { "/opt/\($0)/bin" } + [
        "/Applications/Wireshark.app/Contents/MacOS",
        "\(home)/Applications/Wireshark.app/Contents/MacOS",
        "/var/lib/flatpak/exports/bin", "\(home)/.local/share/flatpak/exports/bin",
        "/var/lib/snapd/snap/bin",
      ]
    return known + further.filter { $0.hasPrefix("/") && !known.contains($0) }
  }

  /// Each Wireshark once, though several folders may lead to it; those with a tshark are not asked yet.
  private static func candidates(_ places: [String]) -> [FoundWireshark] {
    var seen: Set<String> = []
    var found: [FoundWireshark] = []
    for place in places {
      if let path = program("org.wireshark.Wireshark", in: place), seen.insert(path).inserted {
        found.append(FoundWireshark(program: path, state: .sandboxed(.flatpak)))
      }
      for name in ["tshark", "wireshark", "Wireshark"] {
        guard let path = program(name, in: place), let real = realPath(path) else { continue }
        if place.contains("/snap/") || real.hasSuffix("/snap") {
          if seen.insert("snap").inserted {
            found.append(FoundWireshark(program: path, state: .sandboxed(.snap)))
          }
          break
        }
        // The folder stands for the installation: one answer is enough.
        guard seen.insert(folder(real)).inserted else { break }
        found.append(FoundWireshark(program: path, state: .withoutTshark))
        break
      }
    }
    return found
  }

  private static func program(_ name: String, in place: String) -> String? {
    let path = "\(place)/\(name)"
    return isProgram(path) ? path : nil
  }

  private static func folder(_ path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }
}

/// The names in a folder, sorted; none if it cannot be read.
func names(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}
