internal import Checkpoint
internal import Kernels
internal import Layers

/// Mimi's encoder before the quantizer: SEANet, transformer at twice the frame rate, downsampling by two.
struct MimiAnalysis: Analysis {
  private let convolutions: SEANetEncoder
  private let transformer: Transformer
  private let transformerScratch: TransformerLayer.Scratch
  private let downsample: StreamingConvolution
  let width: Int
  let bytes: Int
  private let columns: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, plan: inout SessionPlan
  ) throws(CheckpointError) {
    convolutions = try SEANetEncoder(
      checkpoint.scope("encoder"), samples: configuration.samplesPerFrame, state: &plan.state)
    width = convolutions.outputs
    columns = convolutions.columns
    transformer = try CodecTransformer.load(
      checkpoint.scope("encoder_transformer.transformer"), configuration, width: width, columns: columns,
      &plan)
    transformerScratch = transformer.reserveScratch(lanes: columns, in: &plan.scratch)
    let scope = checkpoint.scope("downsample.conv.conv.conv")
    let shape = try SEANetNames.shape(scope, "")
    guard columns == max(shape[2] / 2, 1) else {
      throw .wrongShape(
        file: checkpoint.path, tensor: scope.full("weight"), expected: [width, width, 2 * columns],
        found: shape)
    }
    downsample = try StreamingConvolution(
      scope, inputs: width, outputs: width, kernel: shape[2], stride: columns, padding: .replicate,
      steps: columns,
      state: &plan.state)
    plan.columns = columns
    bytes = convolutions.bytes + transformer.bytesPerPass() + downsample.bytes
  }

  func step(
    _ frame: UnsafePointer<Float>, into latent: UnsafeMutablePointer<Float>, _ session: Session,
    _ workers: Workers
  ) {
    let x = downsample.input(session.memory)
    convolutions.step(frame, into: x, session.memory, workers)
    transformer.step(x, transformerScratch, session.pass(tokens: columns, workers))
    downsample.step(columns, into: latent, isFirst: session.frames == 0, session.memory, workers)
  }
}
