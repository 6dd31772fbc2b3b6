/// The Status on an exec's error channel, as kubelet and containerd 1.6 send it.
enum ExecStatus {
  /// How the command ended.
  static func end(code: Int32) -> JSON {
    guard code != 0 else { return ["metadata": [:], "status": "Success"] }
    return [
      "metadata": [:], "status": "Failure",
      "message":
        "command terminated with non-zero exit code: command terminated with exit code \(Int(code))",
      "reason": "NonZeroExitCode",
      "details": ["causes": [["reason": "ExitCode", "message": "\(Int(code))"]]],
    ]
  }

  /// The command could not be started.
  /// - Parameters:
  ///   - complaint: of runc, after `exec failed: `.
  ///   - id: the exec's number, 64 hexadecimal digits.
  /// - Returns: the Status.
  static func notStarted(_ complaint: String, id: String) -> JSON {
    let cause =
      "Internal error occurred: error executing command in container: failed to exec in "
      + "container: failed to start exec \"\(id)\": OCI runtime exec failed: exec failed: "
      + "\(complaint): unknown"
    return [
      "metadata": [:], "status": "Failure", "message": "Internal error occurred: \(cause)",
      "reason": "InternalError", "details": ["causes": [["message": .string(cause)]]], "code": 500,
    ]
  }
}
