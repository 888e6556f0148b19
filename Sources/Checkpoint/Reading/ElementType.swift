/// The element types a safetensors file may hold.
public enum ElementType: String, Sendable, CaseIterable {
  /// IEEE 754 single precision.
  case float32 = "F32"
  /// The upper half of a single.
  case bfloat16 = "BF16"
  /// IEEE 754 half precision.
  case float16 = "F16"
  /// Signed, 8 bits.
  case int8 = "I8"
  /// Unsigned, 8 bits; also used for the bytes of packed blocks.
  case uint8 = "U8"
  /// Signed, 32 bits.
  case int32 = "I32"
  /// Unsigned, 32 bits.
  case uint32 = "U32"
  /// Signed, 64 bits.
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
