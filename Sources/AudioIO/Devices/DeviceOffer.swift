import CALSA

/// What a device supports, as far as this program can use it.
package struct DeviceOffer: Equatable, Sendable {
  /// Rates in order of preference: the usual native rate first, since a sound server converts any other.
  static let knownRates = [
    48_000, 24_000, 96_000, 44_100, 192_000, 88_200, 32_000, 16_000, 22_050, 11_025, 8_000,
  ]

  /// In order of preference.
  package var formats: [SampleFormat]
  /// In order of preference.
  package var rates: [Int]
  /// The fewest and the most channels; nil if none can be used.
  package var channels: ClosedRange<Int>?

  package var preferredRate: Int? { rates.first }

  /// One channel if the device supports it, otherwise two, otherwise the fewest.
  package var preferredChannels: Int? {
    guard let channels else { return nil }
    return channels.contains(1) ? 1 : channels.contains(2) ? 2 : channels.lowerBound
  }

  /// Queries an open, unconfigured device.
  init(_ handle: OpaquePointer) {
    var memory: OpaquePointer?
    snd_pcm_hw_params_malloc(&memory)
    let parameters = memory!
    defer { snd_pcm_hw_params_free(parameters) }
    formats = []
    rates = []
    guard snd_pcm_hw_params_any(handle, parameters) >= 0,
      snd_pcm_hw_params_set_access(handle, parameters, SND_PCM_ACCESS_RW_INTERLEAVED) >= 0
    else { return }
    formats = SampleFormat.allCases.filter { snd_pcm_hw_params_test_format(handle, parameters, $0.alsa) == 0 }
    rates = Self.knownRates.filter { snd_pcm_hw_params_test_rate(handle, parameters, UInt32($0), 0) == 0 }
    var (least, most): (UInt32, UInt32) = (0, 0)
    if snd_pcm_hw_params_get_channels_min(parameters, &least) >= 0,
      snd_pcm_hw_params_get_channels_max(parameters, &most) >= 0, least >= 1, least <= most
    {
      channels = Int(least)...Int(min(most, 64))
    }
  }
}
