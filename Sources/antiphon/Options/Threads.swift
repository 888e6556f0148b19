import ArgumentParser
import Base

/// The number of threads that a verb uses.
enum Threads {
  static var usual: Int { min(max(Host.processors, 1), 8) }

  static func validate(_ count: Int) throws {
    guard (1...256).contains(count) else { throw ValidationError("--threads takes a number from 1 to 256.") }
  }
}
