internal import Checkpoint
internal import Foundation
internal import Kernels
internal import Layers

/// The spectral codec's encoder before the quantizer: short-time spectra, ConvNeXt blocks, strided convolutions,
/// transformer.
///
/// The short-time Fourier transform is a strided convolution with fixed weights: with eight steps per frame one matrix
/// product costs less than eight transforms would, and it streams like every other convolution.
struct SpectralAnalysis: Analysis {
  private let sizes: SpectralSizes
  private let transform: StreamingConvolution  // [bins of cosines, bins of sines] by window
  private let mel: Matrix  // [bands, bins]
  private let input: StreamingConvolution
  private let blocks: [ConvNeXtBlock]
  private let outerDown: StreamingConvolution
  private let middleBlocks: [ConvNeXtBlock]
  private let middleDown: StreamingConvolution
  private let transformer: Transformer
  private let transformerScratch: TransformerLayer.Scratch
  private let spectrum: Region<Float>  // [steps][2 bins]
  private let magnitude: Region<Float>  // [steps][bins]
  private let hidden: Region<Float>  // [steps][encoder width]
  let width: Int
  let bytes: Int

  init(
    _ checkpoint: Checkpoint, _ configuration: CodecConfiguration, _ sizes: SpectralSizes,
    plan: inout HalfPlan
  ) throws(CheckpointError) {
    self.sizes = sizes
    let (bins, window) = (sizes.analysisBins, sizes.analysisWindow)
    let weights = try checkpoint.scope("analysis").vector("window", window)
    transform = StreamingConvolution(
      weights: Matrix(panelsOf: 2 * bins, window) { row, sample in
        let angle = 2 * Double.pi * Double(row % bins * sample % window) / Double(window)
        return weights[sample] * Float(row < bins ? cos(angle) : -sin(angle))
      }, bias: nil, inputs: 1, kernel: window, stride: sizes.hop, steps: configuration.samplesPerFrame,
      state: &plan.state)
    let bands = sizes.melBands
    let bank = try checkpoint.scope("analysis").values("mel", [bins, bands])
    mel = Matrix(panelsOf: bands, bins) { bank[$1 * bands + $0] }
    let scope = checkpoint.scope("encoder")
    let (outer, middle) = sizes.steps
    input = try StreamingConvolution(
      scope["input.conv"], inputs: sizes.features, outputs: sizes.encoderWidth, kernel: 3, steps: outer,
      state: &plan.state)
    blocks = try ConvNeXtBlock.list(
      scope, "blocks", count: sizes.encoderBlocks.outer, width: sizes.encoderWidth, steps: outer,
      state: &plan.state,
      scratch: &plan.scratch)
    outerDown = try StreamingConvolution(
      scope["down.0.conv"], inputs: sizes.encoderWidth, outputs: sizes.latentWidth,
      kernel: 2 * outer / middle,
      stride: outer / middle, steps: outer, state: &plan.state)
    middleBlocks = try ConvNeXtBlock.list(
      scope, "middle", count: sizes.encoderBlocks.middle, width: sizes.latentWidth, steps: middle,
      state: &plan.state,
      scratch: &plan.scratch)
    middleDown = try StreamingConvolution(
      scope["down.1.conv"], inputs: sizes.latentWidth, outputs: sizes.latentWidth, kernel: 2 * middle,
      stride: middle,
      steps: middle, state: &plan.state)
    width = sizes.latentWidth
    transformer = try CodecTransformer.load(
      checkpoint.scope("encoder_transformer.transformer"), configuration, width: width, lanes: 1, &plan)
    transformerScratch = transformer.reserveScratch(lanes: 1, in: &plan.scratch)
    spectrum = plan.scratch.reserve(Float.self, outer * 2 * bins)
    magnitude = plan.scratch.reserve(Float.self, outer * bins)
    hidden = plan.scratch.reserve(Float.self, outer * sizes.encoderWidth)
    bytes = (blocks + middleBlocks).reduce(
      transform.bytes + mel.bytes + input.bytes + outerDown.bytes + middleDown.bytes
        + transformer.bytesPerPass()
    ) { $0 + $1.bytes }
  }

  func step(
    _ frame: UnsafePointer<Float>, into latent: UnsafeMutablePointer<Float>, _ memory: HalfMemory,
    _ workers: Workers
  ) {
    let (state, scratch) = (memory.state, memory.scratch)
    let (outer, middle) = sizes.steps
    transform.step(
      frame, outer * sizes.hop, into: scratch[spectrum], isFirst: false, state, workers)
    writeFeatures(into: input.input(state), scratch, workers)
    let x = scratch[hidden]
    input.step(outer, into: x, isFirst: false, state, workers)
    for index in blocks.indices { blocks[index].step(x, state, scratch, workers) }
    outerDown.step(x, outer, into: middleDown.input(state), isFirst: false, state, workers)
    for index in middleBlocks.indices {
      middleBlocks[index].step(middleDown.input(state), state, scratch, workers)
    }
    middleDown.step(middle, into: latent, isFirst: false, state, workers)
    transformer.step(latent, transformerScratch, memory.pass(positions: 1, workers))
  }

  // Log-mel bands, then the low bins' real and imaginary parts, divided by the square root of their magnitude.
  private func writeFeatures(
    into features: UnsafeMutablePointer<Float>, _ scratch: MemoryView, _ workers: Workers
  ) {
    let (bins, bands, low, steps) = (sizes.analysisBins, sizes.melBands, sizes.lowBins, sizes.steps.outer)
    let (spectrum, magnitude) = (scratch[spectrum], scratch[magnitude])
    for step in 0..<steps {
      let (real, size) = (spectrum + step * 2 * bins, magnitude + step * bins)
      for bin in 0..<bins {
        size[bin] = (real[bin] * real[bin] + real[bins + bin] * real[bins + bin]).squareRoot()
      }
    }
    mel.multiply(magnitude, xStride: bins, into: features, yStride: sizes.features, count: steps, workers)
    for step in 0..<steps {
      let (real, size) = (spectrum + step * 2 * bins, magnitude + step * bins)
      let out = features + step * sizes.features
      for band in 0..<bands { out[band] = log(out[band] + 1e-3) / 2 + 1 }
      for bin in 0..<low {
        let scale = 1 / ((size[bin] + 1e-2).squareRoot() * 3)
        out[bands + bin] = real[bin] * scale
        out[bands + low + bin] = real[bins + bin] * scale
      }
    }
  }
}
