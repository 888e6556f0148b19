public import Checkpoint
internal import Kernels
internal import Layers

/// A streaming neural codec: one frame of samples becomes one code of every codebook, and back.
///
/// Weights are shared by all conversations and never change; a conversation holds an `EncoderState` and a
/// `DecoderState`. To encode or decode a whole file, call `encode` or `decode` for each frame in turn.
public final class Codec: Sendable {
  /// Sizes and rates, and the codebooks in use.
  public let configuration: CodecConfiguration
  /// Path of the file.
  public let path: String
  /// How weights are held.
  public let weights: CodecWeights
  private let file: Safetensors
  private let analysis: any Analysis
  private let synthesis: any Synthesis
  private let quantizer: ResidualQuantizer
  private let encoderPlan: HalfPlan
  private let decoderPlan: HalfPlan
  private let latents: (encoder: Region<Float>, decoder: Region<Float>)
  private let workers: Workers

  /// Reads a codec from one safetensors file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - codebooks: codebooks to use, at least 1; by default 8, or all if the file has fewer.
  ///   - threads: threads that share the arithmetic of one frame, 1 to 1024.
  ///   - weights: how weights are held; by default in the smallest form that loses nothing of the file. Rounding f32
  ///     weights to 16 bits changes a few codes in a thousand.
  /// - Throws: `CheckpointError`: `badArgument` if an argument is wrong, the other cases if the file is.
  public static func open(
    _ path: String, codebooks: Int? = nil, threads: Int = 1, weights: CodecWeights? = nil
  ) throws(CheckpointError) -> Codec {
    guard 1...1024 ~= threads else {
      throw .badArgument(
        file: path, name: "threads", expected: "a number from 1 to 1024", found: "\(threads)")
    }
    if let codebooks, codebooks < 1 {
      throw .badArgument(file: path, name: "codebooks", expected: "a number from 1", found: "\(codebooks)")
    }
    let file = try Safetensors(path)
    return try Codec(
      file, codebooks: codebooks, threads: threads, weights: weights ?? CodecWeights(storedIn: file))
  }

  private init(
    _ file: Safetensors, codebooks: Int?, threads: Int, weights: CodecWeights
  ) throws(CheckpointError) {
    let checkpoint = Checkpoint(
      file, weights: weights == .f16 ? .halfPanels : .panels, rename: Self.currentName)
    var configuration = try CodecConfiguration(file)
    var (encoderPlan, decoderPlan) = (HalfPlan(), HalfPlan())
    switch configuration.architecture {
    case .mimi:
      analysis = try MimiAnalysis(checkpoint, configuration, plan: &encoderPlan)
      synthesis = try MimiSynthesis(checkpoint, configuration, plan: &decoderPlan)
    case .spectral:
      let sizes = try SpectralSizes(configuration)
      analysis = try SpectralAnalysis(checkpoint, configuration, sizes, plan: &encoderPlan)
      synthesis = try SpectralSynthesis(checkpoint, configuration, sizes, plan: &decoderPlan)
    }
    quantizer = try ResidualQuantizer(
      checkpoint.scope("quantizer"), width: analysis.width, count: codebooks ?? 8, beam: configuration.beam,
      encoder: &encoderPlan, decoder: &decoderPlan)
    latents = (
      encoderPlan.scratch.reserve(Float.self, analysis.width),
      decoderPlan.scratch.reserve(Float.self, synthesis.width)
    )
    configuration.availableCodebooks = quantizer.available
    configuration.codebooks = quantizer.count
    configuration.cardinality = quantizer.cardinality
    self.configuration = configuration
    self.encoderPlan = encoderPlan
    self.decoderPlan = decoderPlan
    self.file = file
    self.weights = weights
    path = file.path
    workers = Workers(threads: threads)
  }

  // Files of the first training code use older names for the codebooks' averages.
  private static func currentName(_ name: String) -> String {
    for (old, new) in [
      (".inited", "._initialized"), (".cluster_size", ".cluster_usage"), (".embed_avg", ".embedding_sum"),
      (".embed_sum", ".embedding_sum"),
    ] where name.hasSuffix(old) {
      return name.dropLast(old.count) + new
    }
    return name
  }

  /// Frames per second.
  public var frameRate: Double { Double(configuration.sampleRate) / Double(configuration.samplesPerFrame) }

  /// SHA-256 of the file, as hexadecimal; reads all of it.
  public var digest: String { file.digest }

  /// Bytes of weights that one frame reads.
  public var bytesPerFrame: (encode: Int, decode: Int) { (analysis.bytes + quantizer.bytes, synthesis.bytes) }

  /// The state of an encoder before its first frame.
  public func makeEncoderState() -> EncoderState { EncoderState(half: HalfState(encoderPlan)) }

  /// The state of a decoder before its first codes.
  public func makeDecoderState() -> DecoderState { DecoderState(half: HalfState(decoderPlan)) }

  /// Encodes the conversation's next frame.
  ///
  /// - Parameters:
  ///   - frame: `samplesPerFrame` samples in [-1, 1].
  ///   - codes: `codebooks` codes, each below `cardinality`.
  ///   - state: of the same codec; the next frame continues from it.
  public func encode(_ frame: Span<Float>, into codes: inout MutableSpan<Int32>, _ state: inout EncoderState)
  {
    precondition(frame.count == configuration.samplesPerFrame && codes.count == configuration.codebooks)
    let memory = state.half.view
    let latent = memory.scratch[latents.encoder]
    frame.withUnsafeBufferPointer { analysis.step($0.baseAddress!, into: latent, memory, workers) }
    codes.withUnsafeMutableBufferPointer {
      quantizer.encode(latent, into: $0.baseAddress!, memory.scratch, workers)
    }
    state.half.frames += 1
  }

  /// Decodes the conversation's next codes.
  ///
  /// - Parameters:
  ///   - codes: up to `codebooks` codes below `cardinality`; fewer give coarser sound.
  ///   - frame: `samplesPerFrame` samples, which may exceed [-1, 1].
  ///   - state: of the same codec; the next frame continues from it.
  public func decode(_ codes: Span<Int32>, into frame: inout MutableSpan<Float>, _ state: inout DecoderState)
  {
    precondition(frame.count == configuration.samplesPerFrame && 1...configuration.codebooks ~= codes.count)
    let memory = state.half.view
    let latent = memory.scratch[latents.decoder]
    codes.withUnsafeBufferPointer { quantizer.decode($0, into: latent, memory.scratch, workers) }
    frame.withUnsafeMutableBufferPointer { synthesis.step(latent, into: $0.baseAddress!, memory, workers) }
    state.half.frames += 1
  }
}
