/// The element types a safetensors file may hold.
public enum ElementType: String, Sendable, CaseIterable {
  case float32 = "F32"
  case bfloat16 = "BF16"
  case float16 = "F16"
  case int8 = "I8"
  case uint8 = "U8"
  case int32 = "I32"
  case uint32 = "U32"
  case int64 = "I64"

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .int8, .uint8: 1
    case .bfloat16, .float16: 2
    case .float32, .int32, .uint32: 4
    case .int64: 8
    }
  }
}
