/// Why a model's file cannot be used. Each case has one sentence, and carries what that sentence names.
public enum CheckpointError: Error, Equatable, Sendable {
  /// There is no such file or directory.
  case notFound(file: String)
  /// The path is a directory where a file is needed.
  case isDirectory(file: String)
  /// The path is a file where a directory is needed.
  case notDirectory(file: String)
  /// `errno` of the failed open or map.
  case unreadable(file: String, code: Int32)
  /// `errno` of the failed open, write or rename.
  case cannotWrite(file: String, code: Int32)
  /// The header promises more bytes than the file contains.
  case truncated(file: String, expected: Int, found: Int)
  /// The header of a safetensors file is malformed.
  case badHeader(file: String, fault: HeaderFault)
  /// A tensor has an element type that this runtime does not read.
  case unknownType(file: String, tensor: String, found: String)
  /// A tensor's byte range does not match its shape and type.
  case wrongSize(file: String, tensor: String, expected: Int, found: Int)
  /// A tensor's bytes lie outside the `size` bytes of data.
  case outOfRange(file: String, tensor: String, begin: Int, end: Int, size: Int)
  /// Two tensors share bytes.
  case overlap(file: String, tensor: String, other: String)
  /// A tensor is missing; `present` of the model's tensors were found.
  case missingTensor(file: String, tensor: String, present: Int)
  /// A tensor's shape is not the one that the model needs; -1 stands for any size.
  case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
  /// A tensor's element type is not the one that the model needs.
  case wrongType(file: String, tensor: String, expected: String, found: String)
  /// A tensor holds a value that is not a finite number.
  case notFinite(file: String, tensor: String)
  /// A field of config.json (or of a file's metadata) is missing, of the wrong kind or out of range.
  case badField(file: String, field: String, expected: String, found: String)
  /// An argument of the call that opens `file`, such as `threads`, has a value that it cannot take.
  case badArgument(file: String, name: String, expected: String, found: String)
  /// A valid setting that this runtime does not support.
  case unsupported(file: String, field: String, found: String)
  /// An index of shards is wrong, or its shards do not match it.
  case badIndex(file: String, fault: IndexFault)
  /// The header of a GGUF file is malformed.
  case badGGUF(file: String, fault: GGUFFault)
  /// A packed file of another version.
  case packedVersion(file: String, found: String, known: Int)
  /// The file is packed, but one with full-precision weights is needed.
  case alreadyPacked(file: String)
  /// The named matrix does not fit into blocks.
  case cannotQuantize(file: String, tensor: String, bits: Int, inputs: Int)
  /// No matrix has this name or prefix.
  case nothingNamed(file: String, name: String)
  /// The disk has `available` bytes left, but `needed` are to be written.
  case noSpace(file: String, needed: Int, available: Int)
  /// What was written does not read back the same.
  case readsBackWrong(file: String, tensor: String)

  /// What is wrong with a safetensors header.
  public enum HeaderFault: Equatable, Sendable {
    /// The file is shorter than a header.
    case tooShort
    /// The length of the header exceeds the format's limit.
    case lengthOutOfRange(Int)
    /// The header is not a JSON object.
    case notJSON
    /// The description of a tensor lacks a field, or has one of the wrong kind.
    case badEntry(tensor: String)
    /// A name appears twice.
    case repeated(tensor: String)
  }

  /// What is wrong with an index of shards.
  public enum IndexFault: Equatable, Sendable {
    /// The index is not a JSON object.
    case notJSON
    /// There is no `weight_map` object.
    case noMap
    /// The map names no tensor.
    case empty
    /// A tensor's file is not given as a string.
    case badEntry(tensor: String)
    /// A tensor appears twice in the map.
    case repeated(tensor: String)
    /// A file name leads out of the directory.
    case outside(shard: String)
    /// A file named in the map does not exist.
    case missing(shard: String)
    /// Two files contain the same tensor.
    case twice(tensor: String, first: String, second: String)
    /// A tensor is not in the file that the map names.
    case absent(tensor: String, shard: String)
  }

  /// What is wrong with a GGUF header.
  public enum GGUFFault: Equatable, Sendable {
    /// The file ends inside its header.
    case tooShort
    /// The version of the format is not supported.
    case version(Int)
    /// The description of a tensor, or a key, is malformed.
    case badEntry(String)
    /// A key or a tensor appears twice.
    case repeated(String)
    /// The file is big-endian.
    case bigEndian
    /// `general.alignment` is not an integer, or not a positive multiple of 8.
    case alignment(String)
    /// The file is one of this many that belong together.
    case split(Int)
  }

  /// The file the error is about.
  public var file: String {
    switch self {
    case .notFound(let file), .isDirectory(let file), .notDirectory(let file), .unreadable(let file, _),
      .cannotWrite(let file, _), .truncated(let file, _, _), .badHeader(let file, _),
      .unknownType(let file, _, _), .wrongSize(let file, _, _, _), .outOfRange(let file, _, _, _, _),
      .overlap(let file, _, _), .missingTensor(let file, _, _), .wrongShape(let file, _, _, _),
      .wrongType(let file, _, _, _), .notFinite(let file, _), .badField(let file, _, _, _),
      .badArgument(let file, _, _, _), .unsupported(let file, _, _), .badIndex(let file, _),
      .badGGUF(let file, _), .packedVersion(let file, _, _), .alreadyPacked(let file),
      .cannotQuantize(let file, _, _, _), .nothingNamed(let file, _), .noSpace(let file, _, _),
      .readsBackWrong(let file, _):
      file
    }
  }
}
