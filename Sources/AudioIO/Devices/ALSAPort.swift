internal import Base
import CALSA
import Glibc

/// An open ALSA device. Used by one thread at a time.
final class ALSAPort: PCM, @unchecked Sendable {
  /// What a caller wants from a device.
  struct Request: Sendable {
    var name: String
    var direction: AudioDirection
    /// A rate to insist on; nil takes the device's preferred rate.
    var rate: Int?
    var periodMilliseconds = 10.0
    var periods = 3
  }

  private(set) var settings: PCMSettings
  private let request: Request
  var name: String { request.name }
  private var handle: OpaquePointer?
  private let statusMemory: OpaquePointer
  private let descriptors = UnsafeMutableBufferPointer<pollfd>.allocate(capacity: 16)

  private init(_ request: Request, _ handle: OpaquePointer, _ settings: PCMSettings) {
    self.request = request
    self.handle = handle
    self.settings = settings
    var memory: OpaquePointer?
    snd_pcm_status_malloc(&memory)
    statusMemory = memory!
  }

  deinit {
    close()
    snd_pcm_status_free(statusMemory)
    descriptors.deallocate()
  }

  /// Every handle belongs to one thread, so ALSA's own locks are turned off. ALSA must not print, either.
  static let isLibraryReady: Bool = {
    calsa_silence()
    setenv("LIBASOUND_THREAD_SAFE", "0", 0)
    return true
  }()

  static func open(_ request: Request) throws(AudioDeviceError) -> ALSAPort {
    try DeviceThread.ask(request.name, request.direction) {
      Result { () throws(AudioDeviceError) in
        let (handle, settings) = try openHandle(request)
        return ALSAPort(request, handle, settings)
      }
    }
  }

  private static func openHandle(
    _ request: Request
  ) throws(AudioDeviceError) -> (OpaquePointer, PCMSettings) {
    precondition(isLibraryReady)
    var handle: OpaquePointer?
    let stream = request.direction == .capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK
    // The `plug` layer would convert the rate with a poor filter; ours is better.
    let mode = SND_PCM_NONBLOCK | SND_PCM_NO_AUTO_RESAMPLE
    let error = snd_pcm_open(&handle, request.name, stream, mode)
    guard error >= 0, let handle else {
      throw ALSADevice.refusal(request.name, request.direction, errno: -error)
    }
    do {
      return (handle, try configure(handle, request))
    } catch {
      snd_pcm_close(handle)
      throw error
    }
  }

  private static func configure(
    _ handle: OpaquePointer, _ request: Request
  ) throws(AudioDeviceError) -> PCMSettings {
    func check(_ setting: DeviceSetting, _ result: Int32) throws(AudioDeviceError) {
      if result < 0 { throw .unsupported(name: request.name, request.direction, setting: setting) }
    }
    let offer = DeviceOffer(handle)
    guard let format = offer.formats.first else { throw refused(.format, request) }
    guard let channels = offer.preferredChannels else { throw refused(.channels, request) }
    guard let rate = request.rate ?? offer.preferredRate, offer.rates.contains(rate) else {
      throw refused(.rate, request)
    }

    var memory: OpaquePointer?
    snd_pcm_hw_params_malloc(&memory)
    let hardware = memory!
    defer { snd_pcm_hw_params_free(hardware) }
    snd_pcm_hw_params_any(handle, hardware)
    try check(.access, snd_pcm_hw_params_set_access(handle, hardware, SND_PCM_ACCESS_RW_INTERLEAVED))
    try check(.format, snd_pcm_hw_params_set_format(handle, hardware, format.alsa))
    try check(.channels, snd_pcm_hw_params_set_channels(handle, hardware, UInt32(channels)))
    try check(.rate, snd_pcm_hw_params_set_rate(handle, hardware, UInt32(rate), 0))
    var period = snd_pcm_uframes_t((Double(rate) * request.periodMilliseconds / 1000).rounded())
    try check(.period, snd_pcm_hw_params_set_period_size_near(handle, hardware, &period, nil))
    var buffer = period * snd_pcm_uframes_t(request.periods)
    try check(.buffer, snd_pcm_hw_params_set_buffer_size_near(handle, hardware, &buffer))
    try check(.buffer, snd_pcm_hw_params(handle, hardware))
    snd_pcm_hw_params_get_period_size(hardware, &period, nil)
    snd_pcm_hw_params_get_buffer_size(hardware, &buffer)

    snd_pcm_sw_params_malloc(&memory)
    let software = memory!
    defer { snd_pcm_sw_params_free(software) }
    snd_pcm_sw_params_current(handle, software)
    snd_pcm_sw_params_set_avail_min(handle, software, period)
    // Capture is started explicitly. Playback starts when all but one period is full. It must not be the whole buffer,
    // because PulseAudio also takes this as the amount to queue before it resumes after a pause.
    let threshold = request.direction == .capture ? .max >> 1 : max(buffer - min(buffer, period), 1)
    snd_pcm_sw_params_set_start_threshold(handle, software, threshold)
    snd_pcm_sw_params_set_tstamp_mode(handle, software, SND_PCM_TSTAMP_ENABLE)
    snd_pcm_sw_params_set_tstamp_type(handle, software, SND_PCM_TSTAMP_TYPE_MONOTONIC_RAW)
    try check(.start, snd_pcm_sw_params(handle, software))
    return PCMSettings(
      direction: request.direction, rate: rate, channels: channels, format: format,
      periodFrames: Int(period), bufferFrames: Int(buffer))
  }

  private static func refused(_ setting: DeviceSetting, _ request: Request) -> AudioDeviceError {
    .unsupported(name: request.name, request.direction, setting: setting)
  }

  func transfer(_ raw: UnsafeMutableRawPointer, _ frames: Int) -> Int {
    guard let handle else { return Int(-ENODEV) }
    return switch settings.direction {
    case .capture: snd_pcm_readi(handle, raw, snd_pcm_uframes_t(frames))
    case .playback: snd_pcm_writei(handle, raw, snd_pcm_uframes_t(frames))
    }
  }

  /// As snd_pcm_wait, which spins forever once the sound server behind a device has died: some plugins then keep
  /// reporting that the device is ready although it is not.
  func wait(milliseconds: Int) -> Int {
    guard let handle else { return Int(-ENODEV) }
    let available = snd_pcm_avail_update(handle)
    if available < 0 { return Int(available) }
    if available >= settings.periodFrames { return 1 }
    let count = snd_pcm_poll_descriptors(handle, descriptors.baseAddress, UInt32(descriptors.count))
    guard count > 0 else { return Int(count < 0 ? count : -EIO) }
    if poll(descriptors.baseAddress, nfds_t(count), Int32(milliseconds)) <= 0 { return 0 }
    var events: UInt16 = 0
    let error = snd_pcm_poll_descriptors_revents(handle, descriptors.baseAddress, UInt32(count), &events)
    if error < 0 { return Int(error) }
    if Int32(events) & (POLLERR | POLLNVAL) != 0 { return fault(of: handle) }
    if Int32(events) & (POLLIN | POLLOUT) != 0 { return 1 }
    MonotonicClock.sleep(nanoseconds: 1_000_000)
    return 0
  }

  private func fault(of handle: OpaquePointer) -> Int {
    switch snd_pcm_state(handle) {
    case SND_PCM_STATE_XRUN: Int(-EPIPE)
    case SND_PCM_STATE_SUSPENDED: Int(-ESTRPIPE)
    case SND_PCM_STATE_DISCONNECTED: Int(-ENODEV)
    default: Int(-EIO)
    }
  }

  func update(_ status: inout PCMStatus) -> Int {
    guard let handle else { return Int(-ENODEV) }
    let error = snd_pcm_status(handle, statusMemory)
    if error < 0 { return Int(error) }
    status.available = Int(snd_pcm_status_get_avail(statusMemory))
    status.delay = Int(snd_pcm_status_get_delay(statusMemory))
    var stamp = snd_htimestamp_t()
    snd_pcm_status_get_htstamp(statusMemory, &stamp)
    let now = MonotonicClock.now
    let stamped = UInt64(max(stamp.tv_sec, 0)) * 1_000_000_000 + UInt64(max(stamp.tv_nsec, 0))
    // A driver without timestamps leaves 0; one that uses another clock is seconds off.
    status.isHardwareTime = stamped <= now && now - stamped < 500_000_000
    status.nanoseconds = status.isHardwareTime ? stamped : now
    return switch snd_pcm_status_get_state(statusMemory) {
    case SND_PCM_STATE_XRUN: Int(-EPIPE)
    case SND_PCM_STATE_SUSPENDED: Int(-ESTRPIPE)
    case SND_PCM_STATE_DISCONNECTED: Int(-ENODEV)
    default: 0
    }
  }

  func prepare() -> Int { handle.map { Int(snd_pcm_prepare($0)) } ?? Int(-ENODEV) }
  func start() -> Int { handle.map { Int(snd_pcm_start($0)) } ?? Int(-ENODEV) }
  func resume() -> Int { handle.map { Int(snd_pcm_resume($0)) } ?? Int(-ENODEV) }
  func drop() { _ = handle.map { snd_pcm_drop($0) } }

  func reopen() -> Bool {
    close()
    guard let (handle, settings) = try? Self.openHandle(request) else { return false }
    self.handle = handle
    self.settings = settings
    return true
  }

  private func close() {
    if let handle { snd_pcm_close(handle) }
    handle = nil
  }
}
