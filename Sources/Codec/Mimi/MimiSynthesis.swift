internal import Checkpoint
internal import Kernels
internal import Layers

/// Mimi's decoder after the quantizer: upsampling by two, transformer, SEANet.
struct MimiSynthesis: Synthesis {
  private let upsample: StreamingDepthwiseUpsample
  private let transformer: Transformer
  private let transformerScratch: TransformerLayer.Scratch
  private let convolutions: SEANetDecoder
  private let features: Region<Float>  // [columns][width]
  let width: Int
  let bytes: Int
  private let columns: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, plan: inout SessionPlan
  ) throws(CheckpointError) {
    let scope = checkpoint.scope("upsample.convtr.convtr.convtr")
    let shape = try SEANetNames.shape(scope, "")
    width = shape[0]
    columns = max(shape[2] / 2, 1)
    guard shape[2] % columns == 0 else {
      throw .wrongShape(
        file: checkpoint.path, tensor: scope.full("weight"), expected: [width, 1, 2 * columns], found: shape)
    }
    upsample = try StreamingDepthwiseUpsample(
      scope, channels: width, kernel: shape[2], stride: columns, steps: 1, state: &plan.state)
    transformer = try CodecTransformer.load(
      checkpoint.scope("decoder_transformer.transformer"), configuration, width: width, columns: columns,
      &plan)
    transformerScratch = transformer.reserveScratch(lanes: columns, in: &plan.scratch)
    convolutions = try SEANetDecoder(
      checkpoint.scope("decoder"), columns: columns, samples: configuration.samplesPerFrame,
      state: &plan.state)
    guard convolutions.inputs == width, convolutions.samples == configuration.samplesPerFrame else {
      throw .badField(
        file: checkpoint.path, field: "codec.samples_per_frame", expected: "\(convolutions.samples)",
        found: "\(configuration.samplesPerFrame)")
    }
    plan.columns = columns
    features = plan.scratch.reserve(Float.self, columns * width)
    bytes = transformer.bytesPerPass() + convolutions.bytes
  }

  func step(
    _ latent: UnsafePointer<Float>, into frame: UnsafeMutablePointer<Float>, _ session: Session,
    _ workers: Workers
  ) {
    let x = session.scratch[features]
    upsample.input(session.memory).update(from: latent, count: width)
    upsample.step(1, into: x, session.memory)
    transformer.step(x, transformerScratch, session.pass(tokens: columns, workers))
    convolutions.step(x, into: frame, session.memory, workers)
  }
}
