internal import Checkpoint

/// The sizes of a spectral codec, from its file's metadata.
struct SpectralSizes: Sendable {
  let hop: Int
  let analysisWindow: Int
  let synthesisWindow: Int
  let melBands: Int
  let lowBins: Int
  let encoderWidth: Int
  let latentWidth: Int
  let decoderWidth: Int
  /// ConvNeXt blocks at the hop's rate and after the first stride.
  let encoderBlocks: (outer: Int, middle: Int)
  let decoderBlocks: (outer: Int, middle: Int)
  /// Time steps of one frame: at the hop's rate, and after the first stride. After the second stride there is one.
  let steps: (outer: Int, middle: Int)

  /// Bins of each transform.
  var analysisBins: Int { analysisWindow / 2 + 1 }
  var synthesisBins: Int { synthesisWindow / 2 + 1 }
  var features: Int { melBands + 2 * lowBins }

  init(_ configuration: CodecConfiguration) throws(CheckpointError) {
    let fields = configuration.fields
    func size(_ name: String, _ range: ClosedRange<Int> = 1...8192) throws(CheckpointError) -> Int {
      try fields.integer(name, range)
    }
    hop = try size("hop")
    analysisWindow = try size("analysis_window")
    synthesisWindow = try size("synthesis_window")
    melBands = try size("mel_bands")
    lowBins = try size("low_bins")
    encoderWidth = try size("encoder_width")
    latentWidth = try size("latent_width")
    decoderWidth = try size("decoder_width")
    encoderBlocks = (try size("encoder_blocks", 0...64), try size("encoder_middle_blocks", 0...64))
    decoderBlocks = (try size("decoder_blocks", 0...64), try size("decoder_middle_blocks", 0...64))
    let strides = try fields.integers("strides", 1...64) ?? []
    guard strides.count == 2, hop * strides[0] * strides[1] == configuration.samplesPerFrame else {
      throw fields.bad("strides", "two whose product is \(configuration.samplesPerFrame / hop)")
    }
    steps = (strides[0] * strides[1], strides[1])
    guard analysisWindow >= hop, analysisWindow % 2 == 0, lowBins <= analysisWindow / 2 + 1 else {
      throw fields.bad("analysis_window", "an even number, at least the hop and twice low_bins")
    }
    guard synthesisWindow >= hop, synthesisWindow % hop == 0, synthesisWindow % 2 == 0 else {
      throw fields.bad("synthesis_window", "an even multiple of the hop")
    }
  }
}
