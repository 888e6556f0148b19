internal import Base
import Synchronization

/// The thread that serves one device. It can be ended even while the device hangs.
final class DeviceThread: @unchecked Sendable {
  enum Beginning {
    case running
    /// The device could not be started.
    case refused
    /// The device's driver or server has not returned from a call.
    case unanswered
  }

  /// How long a device may take to start, and to return from its last call when it has to end, in nanoseconds.
  static let beginning: UInt64 = 5_000_000_000
  static let ending: UInt64 = 300_000_000

  private let isStopping = StopFlag()
  private var thread: RealtimeThread?

  var isRealtime: Bool { thread?.isRealtime ?? false }

  /// Starts the thread and waits until the device is running.
  ///
  /// - Parameters:
  ///   - priority: of SCHED_FIFO; 0 requests none.
  ///   - begin: called in the thread, once; returns whether the device is running.
  ///   - iterate: called in the thread, repeatedly.
  ///   - end: called in the thread, last.
  func start(
    name: String, priority: Int32, patience: UInt64 = beginning, begin: @escaping @Sendable () -> Bool,
    iterate: @escaping @Sendable () -> Void, end: @escaping @Sendable () -> Void
  ) -> Beginning {
    let (isStopping, isReady, hasFailed) = (isStopping, Wake(), StopFlag())
    // The device is started in its own thread: started in another, it could underrun before this one takes over.
    thread = RealtimeThread(name: name, priority: priority) {
      guard begin() else {
        hasFailed.set()
        return isReady.post()
      }
      isReady.post()
      while !isStopping.isSet { iterate() }
      end()
    }
    if isReady.wait(nanoseconds: patience) { return hasFailed.isSet ? .refused : .running }
    isStopping.set()
    return .unanswered
  }

  /// Tells the thread to end after the current iteration, without waiting.
  func askToStop() { isStopping.set() }

  /// Ends the thread. One that hangs in a call to its device is abandoned.
  ///
  /// - Returns: whether it ended.
  @discardableResult
  func stop(nanoseconds: UInt64 = ending) -> Bool {
    isStopping.set()
    return thread?.join(nanoseconds: nanoseconds) ?? true
  }
}

extension DeviceThread {
  /// Makes a call to a device in a thread of its own and waits for the result, but not forever: opening a device whose
  /// server hangs does not return.
  static func ask<Answer: Sendable>(
    _ name: String, _ direction: AudioDirection, patience: UInt64 = beginning,
    _ question: @escaping @Sendable () -> Result<Answer, AudioDeviceError>
  ) throws(AudioDeviceError) -> Answer {
    let box = AnswerBox<Answer>()
    let thread = RealtimeThread(name: "open", priority: 0) {
      let result = question()
      box.answer.withLock { $0 = result }
    }
    guard thread.join(nanoseconds: patience), let result = box.answer.withLock({ $0 }) else {
      throw .noAnswer(name: name, direction)
    }
    return try result.get()
  }

  private final class AnswerBox<Answer: Sendable>: Sendable {
    let answer = Mutex<Result<Answer, AudioDeviceError>?>(nil)
  }
}

/// Tells a thread to end.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }
  func set() { flag.store(true, ordering: .releasing) }
}
