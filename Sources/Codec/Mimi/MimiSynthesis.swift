internal import Checkpoint
internal import Kernels
internal import Layers

/// Mimi's decoder after the quantizer: upsampling by two, transformer, SEANet.
struct MimiSynthesis: Synthesis {
  private let upsample: StreamingDepthwiseUpsample
  private let transformer: Transformer
  private let transformerScratch: TransformerLayer.Scratch
  private let convolutions: SEANetDecoder
  private let features: Region<Float>  // [lanes][width]
  let width: Int
  let bytes: Int
  private let lanes: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, plan: inout HalfPlan
  ) throws(CheckpointError) {
    let scope = checkpoint.scope("upsample.convtr.convtr.convtr")
    let shape = try SEANetNames.shape(scope, "")
    width = shape[0]
    lanes = max(shape[2] / 2, 1)
    guard shape[2] % lanes == 0 else {
      throw .wrongShape(
        file: checkpoint.path, tensor: scope.full("weight"), expected: [width, 1, 2 * lanes], found: shape)
    }
    upsample = try StreamingDepthwiseUpsample(
      scope, channels: width, kernel: shape[2], stride: lanes, steps: 1, state: &plan.state)
    transformer = try CodecTransformer.load(
      checkpoint.scope("decoder_transformer.transformer"), configuration, width: width, lanes: lanes,
      &plan)
    transformerScratch = transformer.reserveScratch(lanes: lanes, in: &plan.scratch)
    convolutions = try SEANetDecoder(
      checkpoint.scope("decoder"), frameSteps: lanes, samples: configuration.samplesPerFrame,
      state: &plan.state)
    guard convolutions.inputs == width, convolutions.samples == configuration.samplesPerFrame else {
      throw .badField(
        file: checkpoint.path, field: "codec.samples_per_frame", expected: "\(convolutions.samples)",
        found: "\(configuration.samplesPerFrame)")
    }
    plan.lanes = lanes
    features = plan.scratch.reserve(Float.self, lanes * width)
    bytes = transformer.bytesPerPass() + convolutions.bytes
  }

  func step(
    _ latent: UnsafePointer<Float>, into frame: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers
  ) {
    let x = memory.scratch[features]
    upsample.input(memory.state).update(from: latent, count: width)
    upsample.step(1, into: x, memory.state)
    transformer.step(x, transformerScratch, memory.pass(positions: lanes, workers))
    convolutions.step(x, into: frame, memory.state, workers)
  }
}
