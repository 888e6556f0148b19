/// The ways on which a stranger's bytes come into the program, each as one function of these bytes.
///
/// An error that is thrown is a right answer; a crash, a leak or a second of waiting is not. The fuzzer tries them with
/// what it makes up (`tools/fuzz`), the ordinary tests with what lies in `Tests/Fuzz/corpus`.
enum FuzzTarget: String, CaseIterable {
  /// A safetensors file.
  case safetensors
  /// The header of a safetensors file, whose length is right and behind which there are bytes enough: plain tensors,
  /// MLX's and packed ones.
  case header
  /// An index of shards, with three shards that are there.
  case shards
  case gguf
  /// config.json, and what a codec says of itself.
  case config
  /// A codes file.
  case codes
  /// frames.csv, with all that `report` makes of it.
  case frames
  /// turns.csv, likewise.
  case turns
  /// latency.json.
  case summary
  /// A SentencePiece model.
  case tokenizer
  /// A sound file of any format.
  case sound
  /// Command lines: words with line ends between them.
  case commands

  /// Longest input that is worth trying.
  var longestInput: Int {
    switch self {
    case .turns, .commands: 2048
    case .safetensors, .header, .shards, .config, .codes, .summary: 4096
    case .gguf, .frames, .tokenizer: 8192
    case .sound: 16384
    }
  }

  func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .safetensors: Self.safetensors(bytes)
    case .header: Self.header(bytes)
    case .shards: Self.shards(bytes)
    case .gguf: Self.gguf(bytes)
    case .config: Self.config(bytes)
    case .codes: Self.codes(bytes)
    case .frames: Self.frames(bytes)
    case .turns: Self.turns(bytes)
    case .summary: Self.summary(bytes)
    case .tokenizer: Self.tokenizer(bytes)
    case .sound: Self.sound(bytes)
    case .commands: Self.commands(bytes)
    }
  }
}
