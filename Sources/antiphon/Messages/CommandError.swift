/// The errors of the verbs themselves, in addition to those of the modules.
enum CommandError: Error, Equatable {
  /// A signal asked the process to stop; `path` holds `seconds` of sound.
  case interrupted(signal: Int32, path: String, seconds: Double)
  case outputExists(path: String)
  /// Text could not be written to standard output.
  case standardOutput(code: Int32)
  /// No model was named and none ships with the program.
  case noDefaultModel
  /// A codes file has more codebooks than the codec.
  case tooManyCodebooks(path: String, found: Int, available: Int)
  /// A code is not an entry of its codebook.
  case codeOutOfRange(path: String, frame: Int, codebook: Int, found: Int, cardinality: Int)
  /// Another codec made the codes; both are identified by the SHA-256 of their files.
  case anotherCodec(path: String, codec: String, expected: String, found: String)
  /// A round trip was measured and nothing came back.
  case noChirp(sent: Int)
  /// ANTIPHON_ISA names kernels that this processor or build lacks.
  case noInstructionSet(String, available: [String])
  /// A signal stopped a conversion; `done` of `total` bytes are packed.
  case conversionStopped(signal: Int32, path: String, done: Int, total: Int)
  /// The output directory is the model's own.
  case outputIsModel(path: String)
  /// Two models do not speak and hear the same streams.
  case differentStreams(first: String, second: String)
  /// A recording has no frames to compare on.
  case nothingToCompare(path: String)
  /// The time of a step differs from the prediction; both are milliseconds.
  case wrongPrediction(model: String, predicted: Double, measured: Double)
}
