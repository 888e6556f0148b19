import Base
import Checkpoint
import Codec
import Dialogue
import Latency
import Runtime

extension RunMetadata {
  /// Larger weights are identified by name and size: computing their digest would take longer than the run.
  private static let longestDigest = 2_000_000_000

  /// What is known about a run before it begins: this program, the model, the machine.
  static func describe(_ model: Model, threads: Int, _ prediction: Prediction) -> RunMetadata {
    var metadata = RunMetadata()
    metadata["version"] = Antiphon.version
    metadata["date"] = Host.date()
    metadata["model"] = FileSystem.readable(model.directory)
    let size = model.dialogue.fileBytes
    metadata["model_bytes"] = String(size)
    if size <= longestDigest { metadata["model_sha256"] = model.dialogue.digest }
    metadata["codec_sha256"] = model.codec.digest
    metadata["weight_bytes_per_frame"] = String(model.dialogue.bytesPerStep)
    metadata["threads"] = String(threads)
    metadata.describeHost()

    let format = model.codec.configuration
    let delays = model.dialogue.streams.delays
    metadata[sampleRate] = String(format.sampleRate)
    metadata[frameMicroseconds] = String(format.samplesPerFrame * 1_000_000 / format.sampleRate)
    // What is early does not wait for the delay.
    let acoustic = (delays.max() ?? 0) - (delays.count > 1 ? delays[1] : 0) - (prediction.isEarly ? 1 : 0)
    metadata[acousticDelayFrames] = String(acoustic)
    metadata[warmUpFrames] = "10"
    return metadata
  }
}
