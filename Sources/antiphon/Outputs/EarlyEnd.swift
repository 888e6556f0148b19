import AudioIO
import Runtime

/// What is reported when the output is complete.
enum EarlyEnd {
  /// Reports samples that were replaced. Throws if the input ended early.
  static func check(_ source: any AudioSource, path: String, seconds: Double) throws {
    if let reader = source as? SoundFileReader {
      for remark in reader.remarks { Terminal.remark(SoundRemarkText.text(remark, path: reader.path)) }
    }
    if source.invalidSamples > 0 {
      Terminal.remark("note: \(source.invalidSamples) samples were not numbers and were taken as silence.")
    }
    try check(path: path, seconds: seconds)
    if let failure = source.failure { throw failure }
  }

  /// Throws if a signal ended the work.
  static func check(path: String, seconds: Double) throws {
    if let signal = Interruption.signal {
      throw CommandError.interrupted(signal: signal, path: path, seconds: seconds)
    }
  }
}
