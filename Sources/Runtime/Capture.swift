/// When a frame of the person was complete, in microseconds since the run's epoch.
struct Capture {
  /// When the whole frame had been read.
  var complete: Int64
  /// When its last sample was at the device, if that is known.
  var hardware: Int64?
  /// Index of its last sample, at the model's rate, from 0.
  var lastSample: Int64
}
