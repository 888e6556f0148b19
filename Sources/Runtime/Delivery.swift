/// When a frame of the reply was written and heard, in microseconds since the run's epoch.
struct Delivery {
  /// When it was given to the file or to the ring of the loudspeaker.
  var written: Int64
  /// When it had to be written; later than that, silence is heard.
  var deadline: Int64?
  /// When its first sample is heard, if that is known.
  var played: Int64?
  /// Samples queued in the device ahead of this frame, if there is a device.
  var delaySamples: Int64?
}
