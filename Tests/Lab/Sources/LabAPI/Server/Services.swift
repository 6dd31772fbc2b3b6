/// What every connection needs to know.
struct Services: Sendable {
  var api: API
  var faults: Faults
  var requests: RequestLog
}
