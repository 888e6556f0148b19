package import AudioIO
package import Checkpoint
package import Codec
package import Dialogue

/// Options of a live conversation.
package struct LiveOptions: Sendable {
  /// Name of a device, or part of it; nil takes the default.
  package var input: String?
  package var output: String?
  /// The devices' rate in Hz; nil takes the rate that each prefers.
  package var rate: Int?
  package var echo = EchoMode.builtin
  /// Sound that the devices move at once, in milliseconds.
  package var periodMilliseconds = 10.0
  /// Sound, in addition to the device's buffer, that should still be queued when the next frame is ready, in
  /// milliseconds: room for late frames. Nil is a period plus 15 ms.
  package var bufferMilliseconds: Double?
  package var seed: UInt64 = 0
  package var isGreedy = false
  package var isMuted = false
  /// How far the model runs ahead of its backbone; its spare frames are played when a step is late.
  package var prediction = Prediction.none
  /// How much longer a step with a pass takes than one that says what was drafted, in milliseconds: room for it is kept
  /// in the queue.
  package var unevenMilliseconds = 0.0
  /// Holds up the model's thread, for tests.
  package var hold: Hold?

  package init() {}

  /// One step in `every` begins so much later.
  package struct Hold: Sendable {
    package var every: Int
    package var nanoseconds: UInt64

    package init(every: Int, nanoseconds: UInt64) {
      (self.every, self.nanoseconds) = (every, nanoseconds)
    }
  }
}

/// What answers the person.
package enum LivePartner: Sendable {
  case model(Model)
  /// The person hears their own voice through the codec.
  case mirror(Codec)

  /// Throws unless the codec has the format that the live loop needs: 24 kHz in frames of 80 ms.
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
