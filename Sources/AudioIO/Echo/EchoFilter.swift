import CSpeexDSP

/// An adaptive filter (speexdsp) that subtracts the echo of a known sound from a microphone's signal. Used by one
/// thread.
package final class EchoFilter: @unchecked Sendable {
  /// Samples per call: 10 ms.
  package static let blockSize = 240

  private let echo: OpaquePointer
  private let residual: OpaquePointer
  private let microphone: UnsafeMutablePointer<Int16>
  private let reference: UnsafeMutablePointer<Int16>
  private let clean: UnsafeMutablePointer<Int16>

  /// - Parameter tailMilliseconds: time after which the echo of a sound is inaudible.
  package init(tailMilliseconds: Int = 128) {
    let tail = tailMilliseconds * AudioFrame.sampleRate / 1000
    var rate = Int32(AudioFrame.sampleRate)
    echo = speex_echo_state_init(Int32(Self.blockSize), Int32(tail))
    speex_echo_ctl(echo, SPEEX_ECHO_SET_SAMPLING_RATE, &rate)
    residual = speex_preprocess_state_init(Int32(Self.blockSize), rate)
    speex_preprocess_ctl(residual, SPEEX_PREPROCESS_SET_ECHO_STATE, UnsafeMutableRawPointer(echo))
    // The postfilter should suppress the residual echo, but not background noise.
    var noise: Int32 = 0
    speex_preprocess_ctl(residual, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &noise)
    microphone = .allocate(capacity: Self.blockSize)
    reference = .allocate(capacity: Self.blockSize)
    clean = .allocate(capacity: Self.blockSize)
  }

  deinit {
    speex_preprocess_state_destroy(residual)
    speex_echo_state_destroy(echo)
    microphone.deallocate()
    reference.deallocate()
    clean.deallocate()
  }

  /// Subtracts the echo of `played` from `block`; both hold `blockSize` samples of the same moment.
  package func process(_ block: UnsafeMutablePointer<Float>, played: UnsafePointer<Float>) {
    for index in 0..<Self.blockSize {
      microphone[index] = Self.integer(block[index])
      reference[index] = Self.integer(played[index])
    }
    speex_echo_cancellation(echo, microphone, reference, clean)
    speex_preprocess_run(residual, clean)
    for index in 0..<Self.blockSize { block[index] = Float(clean[index]) * 0x1p-15 }
  }

  /// Resets the filter, which then adapts to the room again.
  package func reset() {
    speex_echo_state_reset(echo)
  }

  private static func integer(_ sample: Float) -> Int16 {
    sample.isNaN ? 0 : Int16(max(-32_768, min(32_767, (sample * 32_768).rounded())))
  }
}
