/// Why a sound file could not be read or written. `-` as a path is standard input or output.
public enum SoundFileError: Error, Equatable, Sendable {
  /// There is no such file.
  case notFound(path: String)
  /// A directory stands where a file is needed.
  case isDirectory(path: String)
  /// The system refused to open the file for reading, for instance for lack of permission.
  case unreadable(path: String, errno: Int32)
  /// `reason` is libsndfile's own.
  case notASoundFile(path: String, reason: String)
  /// The file has no samples.
  case empty(path: String)
  /// A pipe could not be stored temporarily in a file, as its format requires.
  case cannotStore(path: String, errno: Int32)
  /// There is no such channel; counted from 1.
  case noChannel(path: String, channel: Int, channels: Int)
  /// The file has more channels than the `limit`.
  case unsupportedChannels(path: String, channels: Int, limit: Int)
  /// The sample rate, in Hz, is not between `lowest` and `highest`.
  case unsupportedRate(path: String, rate: Int, lowest: Int, highest: Int)
  /// Decoding stopped in the middle, after `seconds` of sound.
  case damaged(path: String, seconds: Double, reason: String)
  /// The output exists and overwriting was not requested.
  case outputExists(path: String)
  /// The output is the file that is being read.
  case outputIsInput(path: String)
  /// The extension of an output names none of the `known` formats.
  case unknownExtension(path: String, known: [String])
  /// An argument of the call that creates the output, such as `channels`, has a value that it cannot take.
  case badArgument(path: String, name: String, expected: String, found: String)
  /// The system refused to create the output.
  case cannotCreate(path: String, errno: Int32)
  /// Writing stopped, usually because the disk is full; `seconds` of sound in `bytes` bytes are in the file.
  case writeFailed(path: String, errno: Int32, seconds: Double, bytes: Int)
}
