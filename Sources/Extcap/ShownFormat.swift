/// The pointer files as text, version 1: which contexts are shown for one value of KUBECONFIG.
enum ShownFormat {
  static func encode(_ shown: Shown) -> [UInt8] {
    var text = TabWriter()
    text.line("poddump-shown", "1")
    text.line("written", String(shown.written))
    for file in shown.kubeconfig.files {
      text.line(file.fields)
    }
    text.line(["contexts"] + shown.contexts)
    text.line(["known"] + shown.known)
    text.line("end")
    return text.bytes
  }

  static func decode(_ bytes: [UInt8]) -> Shown? {
    var reader = TabReader(bytes)
    guard reader.nextFields() == ["poddump-shown", "1"] else { return nil }
    var shown = Shown(written: 0, kubeconfig: Kubeconfig(files: []), contexts: [])
    while let fields = reader.nextFields() {
      switch (fields[0], fields.count) {
      case ("written", 2):
        guard let written = Int64(fields[1]) else { return nil }
        shown.written = written
      case ("kubeconfig", 4):
        guard let file = Kubeconfig.File(fields) else { return nil }
        shown.kubeconfig.files.append(file)
      case ("contexts", _): shown.contexts = Array(fields.dropFirst())
      case ("known", _): shown.known = Array(fields.dropFirst())
      case ("end", 1): return reader.place == bytes.count ? shown : nil
      default: return nil
      }
    }
    return nil
  }
}
