/// Any JSON value as its leaves, so that two texts can be compared place by place.
indirect enum JSONTree: Decodable {
  case object([String: JSONTree])
  case array([JSONTree])
  case leaf(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let object = try? container.decode([String: JSONTree].self) {
      self = .object(object)
    } else if let array = try? container.decode([JSONTree].self) {
      self = .array(array)
    } else if let number = try? container.decode(Double.self) {
      self = .leaf("\(number)")
    } else if let flag = try? container.decode(Bool.self) {
      self = .leaf("\(flag)")
    } else if let text = try? container.decode(String.self) {
      self = .leaf(text)
    } else {
      self = .leaf("null")
    }
  }

  /// Adds every leaf under its path, such as `stages.encode_ms.p50`.
  func leaves(_ path: String, into result: inout [String: String]) {
    let stem = path.isEmpty ? "" : path + "."
    switch self {
    case .object(let object): for (key, node) in object { node.leaves(stem + key, into: &result) }
    case .array(let array):
      for (index, node) in array.enumerated() { node.leaves(stem + "\(index)", into: &result) }
    case .leaf(let text): result[path] = text
    }
  }
}
