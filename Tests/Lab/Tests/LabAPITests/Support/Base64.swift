import Foundation

func decodeBase64(_ text: String) -> [UInt8]? {
  Data(base64Encoded: text).map { Array($0) }
}
