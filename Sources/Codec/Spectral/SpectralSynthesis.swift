internal import Checkpoint
internal import Foundation
internal import Kernels
internal import Layers

/// The spectral codec's decoder after the quantizer: transformer, transposed convolutions, ConvNeXt blocks, spectra.
///
/// The inverse transform with its window and overlap is a transposed convolution with fixed weights.
struct SpectralSynthesis: Synthesis {
  private let sizes: SpectralSizes
  private let input: StreamingConvolution
  private let transformer: Transformer
  private let transformerScratch: TransformerLayer.Scratch
  private let middleUp: StreamingTransposedConvolution
  private let middleBlocks: [ConvNeXtBlock]
  private let outerUp: StreamingTransposedConvolution
  private let blocks: [ConvNeXtBlock]
  private let norm: Norm
  private let magnitude: Linear
  private let phase: Linear
  private let inverse: StreamingTransposedConvolution
  private let hidden: Region<Float>  // [steps][decoder width]
  private let sizesOfBins: Region<Float>  // [steps][bins]
  private let directions: Region<Float>  // [steps][2 bins]
  let width: Int
  let bytes: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, _ sizes: SpectralSizes,
    plan: inout HalfPlan
  ) throws(CheckpointError) {
    self.sizes = sizes
    let scope = checkpoint.scope("decoder")
    let (outer, middle) = sizes.steps
    width = sizes.latentWidth
    input = try StreamingConvolution(
      scope["input.conv"], inputs: width, outputs: width, kernel: 3, steps: 1, state: &plan.state)
    transformer = try CodecTransformer.load(
      checkpoint.scope("decoder_transformer.transformer"), configuration, width: width, lanes: 1, &plan)
    transformerScratch = transformer.reserveScratch(lanes: 1, in: &plan.scratch)
    middleUp = try StreamingTransposedConvolution(
      scope["up.0.convtr"], inputs: width, outputs: width, kernel: 2 * middle, stride: middle, steps: 1,
      state: &plan.state)
    middleBlocks = try ConvNeXtBlock.list(
      scope, "middle", count: sizes.decoderBlocks.middle, width: sizes.latentWidth, steps: middle,
      state: &plan.state,
      scratch: &plan.scratch)
    outerUp = try StreamingTransposedConvolution(
      scope["up.1.convtr"], inputs: width, outputs: sizes.decoderWidth, kernel: 2 * outer / middle,
      stride: outer / middle, steps: middle, state: &plan.state)
    blocks = try ConvNeXtBlock.list(
      scope, "blocks", count: sizes.decoderBlocks.outer, width: sizes.decoderWidth, steps: outer,
      state: &plan.state,
      scratch: &plan.scratch)
    norm = try Norm(scope["norm"], .layerNorm, width: sizes.decoderWidth)
    let bins = sizes.synthesisBins
    magnitude = try Linear(panels: scope["magnitude"], inputs: sizes.decoderWidth, outputs: bins)
    phase = try Linear(panels: scope["phase"], inputs: sizes.decoderWidth, outputs: 2 * bins)
    inverse = try Self.inverse(checkpoint, sizes, &plan.state)
    hidden = plan.scratch.reserve(Float.self, outer * sizes.decoderWidth)
    sizesOfBins = plan.scratch.reserve(Float.self, outer * bins)
    directions = plan.scratch.reserve(Float.self, outer * 2 * bins)
    bytes = (blocks + middleBlocks).reduce(
      input.bytes + transformer.bytesPerPass() + middleUp.bytes + outerUp.bytes + magnitude.matrix.bytes
        + phase.matrix.bytes + inverse.bytes
    ) { $0 + $1.bytes }
  }

  // Real and imaginary parts of the bins -> samples of the window, weighted by it.
  private static func inverse(
    _ checkpoint: Checkpoint, _ sizes: SpectralSizes, _ state: inout MemoryPlan
  ) throws(CheckpointError) -> StreamingTransposedConvolution {
    let (bins, size) = (sizes.synthesisBins, sizes.synthesisWindow)
    let window = try checkpoint.scope("synthesis").vector("window", size)
    return StreamingTransposedConvolution(
      weight: { input, _, sample in
        let bin = input % bins
        let isEdge = bin == 0 || bin == bins - 1
        let angle = 2 * Double.pi * Double(bin * sample % size) / Double(size)
        let value = input < bins ? cos(angle) : isEdge ? 0 : -sin(angle)
        return Float(value * (isEdge ? 1 : 2) / Double(size)) * window[sample]
      }, bias: nil, inputs: 2 * bins, outputs: 1, kernel: size, stride: sizes.hop, steps: sizes.steps.outer,
      state: &state)
  }

  func step(
    _ latent: UnsafePointer<Float>, into frame: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers
  ) {
    let (state, scratch) = (memory.state, memory.scratch)
    let (outer, middle) = sizes.steps
    let token = middleUp.input(state)
    input.step(latent, 1, into: token, isFirst: false, state, workers)
    transformer.step(token, transformerScratch, memory.pass(positions: 1, workers))
    middleUp.step(1, into: outerUp.input(state), state, workers)
    for index in middleBlocks.indices {
      middleBlocks[index].step(outerUp.input(state), state, scratch, workers)
    }
    let x = scratch[hidden]
    outerUp.step(middle, into: x, state, workers)
    for index in blocks.indices { blocks[index].step(x, state, scratch, workers) }
    norm(x, into: x, count: outer)
    magnitude(x, into: scratch[sizesOfBins], count: outer, workers)
    phase(x, into: scratch[directions], count: outer, workers)
    writeSpectrum(into: inverse.input(state), scratch)
    inverse.step(outer, into: frame, state, workers)
  }

  // The magnitude is exp(a); the direction (p, q) is normalised to a unit vector.
  private func writeSpectrum(into spectrum: UnsafeMutablePointer<Float>, _ scratch: MemoryView) {
    let (bins, steps) = (sizes.synthesisBins, sizes.steps.outer)
    let (size, direction) = (scratch[sizesOfBins], scratch[directions])
    for i in 0..<steps * bins { size[i] = min(size[i], 6) }
    Kernels.exponential(size, steps * bins)
    for step in 0..<steps {
      let (real, imaginary) = (direction + step * 2 * bins, direction + step * 2 * bins + bins)
      let out = spectrum + step * 2 * bins
      for bin in 0..<bins {
        let square = real[bin] * real[bin] + imaginary[bin] * imaginary[bin] + 1e-6
        let scale = size[step * bins + bin] / square.squareRoot()
        out[bin] = real[bin] * scale
        out[bins + bin] = imaginary[bin] * scale
      }
    }
  }
}
