package import AudioIO
package import Checkpoint
package import Codec

/// How a live conversation is held.
package struct LiveOptions: Sendable {
  /// A device's name or a part of it; nil takes the default.
  package var input: String?
  package var output: String?
  /// The devices' rate in Hz; nil takes what they have.
  package var rate: Int?
  package var echo = EchoMode.builtin
  /// What the devices move at once.
  package var periodMilliseconds = 10.0
  /// Sound that should still wait, beside what the device holds, when the next frame is ready: room for late frames; nil
  /// is a period and 15 ms.
  package var bufferMilliseconds: Double?
  package var seed: UInt64 = 0
  package var isGreedy = false
  package var isMuted = false

  package init() {}
}

/// What is at the other end of the line.
package enum LivePartner: Sendable {
  case model(Model)
  /// The person's own voice, through the codec.
  case mirror(Codec)

  /// Throws unless the codec has the sound that the devices' side of the loop has: 24 kHz in frames of 80 ms.
  package func check() throws(CheckpointError) {
    let format = codec.configuration
    guard format.sampleRate == AudioFrame.sampleRate else {
      throw .badField(
        file: codec.path, field: "sample_rate", expected: "\(AudioFrame.sampleRate)",
        found: "\(format.sampleRate)")
    }
    guard format.samplesPerFrame * 25 == format.sampleRate * 2 else {
      throw .badField(
        file: codec.path, field: "samples_per_frame", expected: "\(format.sampleRate * 2 / 25)",
        found: "\(format.samplesPerFrame)")
    }
  }

  package var codec: Codec {
    switch self {
    case .model(let model): model.codec
    case .mirror(let codec): codec
    }
  }
}
