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
  private let lanes: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, plan: inout HalfPlan
  ) throws(CheckpointError) {
    convolutions = try SEANetEncoder(
      checkpoint.scope("encoder"), samples: configuration.samplesPerFrame, state: &plan.state)
    width = convolutions.outputs
    lanes = convolutions.frameSteps
    transformer = try CodecTransformer.load(
      checkpoint.scope("encoder_transformer.transformer"), configuration, width: width, lanes: lanes,
      &plan)
    transformerScratch = transformer.reserveScratch(lanes: lanes, in: &plan.scratch)
    let scope = checkpoint.scope("downsample.conv.conv.conv")
    let shape = try SEANetNames.shape(scope, "")
    guard lanes == max(shape[2] / 2, 1) else {
      throw .wrongShape(
        file: checkpoint.path, tensor: scope.full("weight"), expected: [width, width, 2 * lanes],
        found: shape)
    }
    downsample = try StreamingConvolution(
      scope, inputs: width, outputs: width, kernel: shape[2], stride: lanes, padding: .replicate,
      steps: lanes,
      state: &plan.state)
    plan.lanes = lanes
    bytes = convolutions.bytes + transformer.bytesPerPass() + downsample.bytes
  }

  func step(
    _ frame: UnsafePointer<Float>, into latent: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers
  ) {
    let x = downsample.input(memory.state)
    convolutions.step(frame, into: x, memory.state, workers)
    transformer.step(x, transformerScratch, memory.pass(positions: lanes, workers))
    downsample.step(lanes, into: latent, isFirst: memory.frames == 0, memory.state, workers)
  }
}
