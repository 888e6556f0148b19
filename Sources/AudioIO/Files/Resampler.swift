import CSoxr

/// Changes the sample rate of a mono stream, piece by piece. Used by one thread at a time.
///
/// Pieces of any size give the same samples as a single call. The filter has linear phase and its delay is compensated:
/// output sample `n` lies at input time `n * from / to`.
package final class Resampler: @unchecked Sendable {
  private let handle: soxr_t
  private let ratio: Double

  /// A fixed ratio.
  package init(from inputRate: Double, to outputRate: Double) {
    precondition(inputRate > 0 && outputRate > 0)
    ratio = inputRate / outputRate
    handle = Self.make(inputRate, outputRate, flags: 0)
  }

  /// A ratio that `setStretch` can change while sound flows, for two clocks that drift apart.
  ///
  /// - Parameter maximumStretch: the largest stretch that will be set, such as 1.01.
  package init(from inputRate: Double, to outputRate: Double, maximumStretch: Double) {
    precondition(inputRate > 0 && outputRate > 0 && maximumStretch >= 1)
    ratio = inputRate / outputRate
    handle = Self.make(inputRate * maximumStretch, outputRate, flags: SOXR_VR)
    soxr_set_io_ratio(handle, ratio, 0)
  }

  deinit {
    soxr_delete(handle)
  }

  private static func make(_ inputRate: Double, _ outputRate: Double, flags: UInt32) -> soxr_t {
    var quality = soxr_quality_spec(UInt(SOXR_20_BITQ), UInt(flags))
    guard let handle = soxr_create(inputRate, outputRate, 1, nil, nil, &quality, nil) else {
      preconditionFailure("no resampler from \(inputRate) to \(outputRate) Hz")
    }
    return handle
  }

  /// Consumes input `stretch` times as fast as the nominal rates; the change is spread over `slew` output samples.
  package func setStretch(_ stretch: Double, slew: Int) {
    soxr_set_io_ratio(handle, ratio * stretch, slew)
  }

  /// Output samples that are buffered: their input has been consumed, but they have not been returned yet.
  package var delay: Double { soxr_delay(handle) }

  /// Processes as much of `input` as fits into `output`.
  ///
  /// - Returns: how many input samples were used, and how many output samples were made.
  package func process(
    _ input: Span<Float>, into output: inout MutableSpan<Float>
  ) -> (used: Int, made: Int) {
    input.withUnsafeBufferPointer { source in
      output.withUnsafeMutableBufferPointer { process(source, into: $0) }
    }
  }

  func process(
    _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>
  ) -> (used: Int, made: Int) {
    var used = 0
    var made = 0
    // A nil input would mean the end of the stream.
    guard let start = input.baseAddress, !input.isEmpty else { return (0, 0) }
    let error = soxr_process(handle, start, input.count, &used, output.baseAddress, output.count, &made)
    precondition(error == nil)
    return (used, made)
  }

  /// Returns the buffered samples after the last input, and their number; 0 at the end.
  package func drain(into output: inout MutableSpan<Float>) -> Int {
    output.withUnsafeMutableBufferPointer { drain(into: $0) }
  }

  func drain(into output: UnsafeMutableBufferPointer<Float>) -> Int {
    var made = 0
    let error = soxr_process(handle, nil, 0, nil, output.baseAddress, output.count, &made)
    precondition(error == nil)
    return made
  }

  /// The whole of `input` at another rate: a loop over `process` and `drain`.
  package static func resample(_ input: [Float], from inputRate: Double, to outputRate: Double) -> [Float] {
    let resampler = Resampler(from: inputRate, to: outputRate)
    var result: [Float] = []
    var block = [Float](repeating: 0, count: 4096)
    block.withUnsafeMutableBufferPointer { block in
      input.withUnsafeBufferPointer { input in
        var next = 0
        while next < input.count {
          let (used, made) = resampler.process(.init(rebasing: input[next...]), into: block)
          next += used
          result += block[..<made]
        }
      }
      while case let made = resampler.drain(into: block), made > 0 { result += block[..<made] }
    }
    return result
  }
}
