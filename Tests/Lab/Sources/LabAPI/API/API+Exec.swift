/// Exec: all that can be said against it before the connection is upgraded.
extension API {
  func exec(
    _ request: Request, _ info: RequestInfo, _ user: User, _ key: ObjectKey
  ) throws(Status) -> Reply {
    guard ["get", "create"].contains(info.verb) else { throw .methodNotAllowed }
    // GET is authorized as "get"; the connection itself needs "create" as well.
    var creation = info
    creation.verb = "create"
    guard user.may(creation) else { throw .forbidden(user, creation) }
    let pod = try existing(.pods, key).json
    _ = try cluster.admission(key.namespace ?? "").admit(pod, .exec)
    let names = (pod[path: ["spec", "containers"]]?.array ?? []).compactMap { $0["name"]?.string }
    let ephemeral = (pod[path: ["spec", "ephemeralContainers"]]?.array ?? [])
      .compactMap { $0["name"]?.string }
    var name = request.parameter("container") ?? ""
    if name.isEmpty {
      guard names.count == 1 else {
        throw .badRequest(
          "a container name must be specified for pod \(key.name), choose one of: "
            + "[\(names.joined(separator: " "))]")
      }
      name = names[0]
    }
    guard names.contains(name) || ephemeral.contains(name) else {
      throw .badRequest("container \(name) is not valid for pod \(key.name)")
    }
    guard let node = pod[path: ["spec", "nodeName"]]?.string else {
      throw .badRequest("pod \(key.name) does not have a host assigned")
    }
    let command = request.query.filter { $0.name == "command" }.map(\.value)
    guard !command.isEmpty else {
      throw .badRequest("you must specify at least one command for the container")
    }
    if let node = cluster.node(node), node.operatingSystem ?? "linux" != "linux" {
      throw Status(
        code: 500, reason: nil,
        message: "error dialing backend: dial tcp \(node.internalIP):10250: connect: connection "
          + "refused")
    }
    // From here on it is the kubelet who answers, in plain text.
    guard let container = cluster.container(key, name), container.state == "running",
      container.exec?.isEmpty == false
    else { return .text("container not found (\"\(name)\")", code: 500) }
    guard request.header("upgrade")?.lowercased() == "websocket" else {
      throw .badRequest(
        request.header("upgrade") == nil
          ? "Upgrade request required"
          : "this server runs commands over WebSocket only, not over SPDY")
    }
    let offered = request.headers.filter { $0.name.lowercased() == "sec-websocket-protocol" }
      .flatMap { $0.value.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
    guard
      let subprotocol = ["v5.channel.k8s.io", "v4.channel.k8s.io"].first(where: offered.contains)
    else {
      throw .badRequest("unable to upgrade: none of \(offered) is spoken here")
    }
    return .exec(
      ExecPlan(
        container: container, command: command, stdin: request.isTrue("stdin"),
        stdout: request.isTrue("stdout"), stderr: request.isTrue("stderr"),
        subprotocol: subprotocol))
  }
}
