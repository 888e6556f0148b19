import Checkpoint
import Dialogue
import Glibc
import Runtime

@testable import AudioIO
@testable import antiphon

extension FuzzTarget {
  static func codes(_ bytes: UnsafeRawBufferPointer) {
    do throws(CheckpointError) {
      let file = try CodesFile(Safetensors(MappedFile(bytes, named: "fuzz")))
      if file.frames > 0 { _ = file.frame(file.frames - 1) }
      for withCodes in [false, true] { _ = try? CodesView(file, withCodes: withCodes).json }
    } catch { say(error) }
  }

  static func tokenizer(_ bytes: UnsafeRawBufferPointer) {
    let file = MemoryFile.shared
    file.fill(bytes)
    do throws(TextTokenizerError) {
      let tokenizer = try TextTokenizer.open(file.path)
      for text in ["", "hello world", "\u{2581}\u{0}\u{fffd}äö語"] {
        var words = StreamingText(tokenizer)
        _ = tokenizer.encode(text).reduce(into: "") { $0 += words.append($1) } + words.finish()
      }
      var words = StreamingText(tokenizer)
      for id in -1...Int32(min(tokenizer.count, 64)) { _ = words.append(id) }
    } catch { say(error) }
  }

  // A small file may claim hours of silence.
  private static let mostFrames = 64

  /// As a file, and as a pipe, which is read through other functions.
  static func sound(_ bytes: UnsafeRawBufferPointer) {
    let file = MemoryFile.shared
    file.fill(bytes)
    read { () throws(SoundFileError) in try SoundFileReader.open(file.path) }
    let pipe = MemoryFile.pipe(bytes)
    read { () throws(SoundFileError) in try SoundFileReader.open("-", standardInput: pipe) }
    close(pipe)
  }

  private static func read(_ open: () throws(SoundFileError) -> SoundFileReader) {
    do throws(SoundFileError) {
      let reader = try open()
      var frame = [Float](repeating: 0, count: 1920)
      for _ in 0..<mostFrames {
        var span = frame.mutableSpan
        if reader.read(into: &span) < frame.count { break }
      }
      precondition(frame.allSatisfy { $0.isFinite }, "what is read are numbers")
      if let failure = reader.failure { say(failure) }
    } catch { say(error) }
  }
}
