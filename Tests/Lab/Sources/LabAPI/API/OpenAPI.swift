/// As much of the OpenAPI v3 documents as `kubectl create` and `apply` read: they look for the query
/// parameter `fieldValidation` among the operations on a kind, to leave validation to the server.
package enum OpenAPI {
  /// The answer to `/openapi/v3`.
  package static let index: JSON = [
    "paths": [
      "api/v1": [
        "serverRelativeURL": .string(
          "/openapi/v3/api/v1?hash=" + Digest.hexadecimal(of: core.text).uppercased())
      ]
    ]
  ]

  /// The answer to `/openapi/v3/api/v1`.
  package static let core: JSON = {
    var paths = JSONObject()
    for type in ResourceType.all where type.group.isEmpty && type.isStored {
      let scope = type.isNamespaced ? "/namespaces/{namespace}" : ""
      paths.append("/api/v1\(scope)/\(type.plural)/{name}", ["patch": patch(of: type)])
    }
    return [
      "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.36.2"],
      "paths": .object(paths),
    ]
  }()

  private static func patch(of type: ResourceType) -> JSON {
    [
      "operationId": .string("patchCoreV1\(type.isNamespaced ? "Namespaced" : "")\(type.kind)"),
      "parameters": [
        [
          "name": "fieldValidation", "in": "query",
          "schema": ["type": "string", "uniqueItems": true],
        ]
      ], "responses": ["200": ["description": "OK"]],
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": [
        "group": "", "version": "v1", "kind": .string(type.kind),
      ],
    ]
  }
}
