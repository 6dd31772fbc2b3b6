internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Answers a request from the cache, or becomes poddump; the exit status.
func answer(_ request: Request) -> Int32 {
  openStandardDescriptors()
  switch request {
  case .interfaces(let version): return answerInterfaces(version)
  case .config(let interface, nil): return answerConfig(interface)
  case .dlts(let interface): return answerDLTs(interface)
  case .help: return say(Array(Reply.help.utf8))
  case .version: return say(Array("poddump-extcap \(programVersion)\n".utf8))
  case .invalid(let problem): return fail(problem, status: 2)
  case .config, .checkFilter, .capture, .cleanup, .refresh:
    Sibling.become()
    return answerAlone(request)
  }
}

private func answerInterfaces(_ version: String?) -> Int32 {
  let variable = kubeconfigVariable()
  let now = Int64(time(nil))
  let cache = ListingCache()
  // A cache that cannot be written to is no reason to fail, here and below.
  try? cache?.noteWireshark(version, at: now)
  guard let cache, let view = cache.view(kubeconfigVariable: variable) else {
    Sibling.become()
    return say(Reply.interfaces([], help: helpPage()))
  }
  let status = say(Reply.interfaces(view.listings, help: helpPage()))
  try? cache.notePrinted(view.shown, kubeconfigVariable: variable)
  if view.isStale(at: now) { refresh(cache) }
  return status
}

private func helpPage() -> String { HelpPage.url(ofProgram: ownPath()) }

private func answerConfig(_ interface: String) -> Int32 {
  guard let value = InterfaceValue(interface) else { return 1 }
  let cache = ListingCache()
  let wireshark = cache?.wireshark() ?? .unknown
  guard value != .portal else {
    let view = cache?.view(kubeconfigVariable: kubeconfigVariable())
    return say(Reply.portal(view, for: wireshark))
  }
  let found = cache?.findShown(value, kubeconfigVariable: kubeconfigVariable())
  return say(Reply.config(value, entry: found?.entry, for: wireshark))
}

private func answerDLTs(_ interface: String) -> Int32 {
  InterfaceValue(interface) == nil ? 1 : say(Reply.dlts())
}

/// Answers without poddump, which cannot be found.
private func answerAlone(_ request: Request) -> Int32 {
  let problem = "poddump was not found beside poddump-extcap or on the PATH; install it again."
  switch request {
  case .config(let interface, .some(let reload)):
    guard let value = InterfaceValue(interface) else { return 1 }
    return say(Reply.reload(reload, of: value, choices: [], problem: problem))
  case .capture(let capture):
    let pipe = capture.controlIn.map { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    // Wireshark 4.0 waits for ever for a FIFO that nobody opened.
    if let fifo = capture.fifo { openAndClose(fifo) }
    let status = fail(problem)
    if let pipe, pipe >= 0 { waitForWriter(pipe) }
    return status
  case .cleanup: return 0
  default: return fail(problem)
  }
}

private func openAndClose(_ fifo: String) {
  var status = stat()
  guard stat(fifo, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return }
  let file = open(fifo, O_WRONLY | O_CLOEXEC)
  if file >= 0 { close(file) }
}

/// Waits a moment until something comes: Wireshark's window opens its end of the toolbar's pipe after it
/// has started us, and is frozen for ever if we are gone by then.
private func waitForWriter(_ pipe: Int32) {
  var entry = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
  poll(&entry, 1, 2000)
}

private func kubeconfigVariable() -> String {
  environmentVariable("KUBECONFIG") ?? ""
}

private func say(_ answer: [UInt8]) -> Int32 {
  put(answer, to: STDOUT_FILENO) ? 0 : 1
}

private func fail(_ sentence: String, status: Int32 = 1) -> Int32 {
  put(sentence + "\n", to: STDERR_FILENO)
  return status
}

/// Makes sure that a file we open does not become standard input, output or error because the
/// parent closed one of them.
private func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
    _ = open("/dev/null", O_RDWR)
  }
}
