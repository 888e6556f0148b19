/// What a verb itself finds wrong, beside what the modules find.
enum CommandError: Error, Equatable {
  /// A signal asked the process to stop; `path` holds `seconds` of sound.
  case interrupted(signal: Int32, path: String, seconds: Double)
}
