internal import CThreads
internal import Glibc
internal import Synchronization

/// A thread that requests real-time priority and reports whether it got it.
package final class RealtimeThread: @unchecked Sendable {
  private final class Start: Sendable {
    let name: String
    let priority: Int32
    let body: @Sendable () -> Void
    let id = Atomic<Int32>(0)
    let isUnderWay = Wake()

    init(_ name: String, _ priority: Int32, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.priority = priority
      self.body = body
    }
  }

  private let start: Start
  private var handle = pthread_t()
  private var hasEnded: Bool?

  /// Whether the thread has SCHED_FIFO; false once it has ended or lost it.
  package var isRealtime: Bool {
    sched_getscheduler(start.id.load(ordering: .acquiring)) == SCHED_FIFO
  }

  /// - Parameters:
  ///   - name: at most 15 characters.
  ///   - priority: of SCHED_FIFO, 1 to 99; 0 requests none.
  package init(name: String, priority: Int32, _ body: @escaping @Sendable () -> Void) {
    start = Start(name, priority, body)
    let argument = Unmanaged.passRetained(start).toOpaque()
    let error = pthread_create(&handle, nil, Self.entry, argument)
    precondition(error == 0, "no thread could be started")
    while !start.isUnderWay.wait(nanoseconds: 1_000_000_000) {}
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
    let start = Unmanaged<Start>.fromOpaque($0!).takeRetainedValue()
    cthreads_set_name(start.name)
    start.id.store(cthreads_id(), ordering: .releasing)
    if start.priority > 0 { RealtimeThread.raise([cthreads_id()], to: start.priority) }
    start.isUnderWay.post()
    start.body()
    return nil
  }

  /// Waits until the thread's body has returned, with a timeout.
  ///
  /// - Returns: whether it has. If not, the thread is abandoned, and further calls return at once.
  @discardableResult
  package func join(nanoseconds: UInt64 = .max) -> Bool {
    if let hasEnded { return hasEnded }
    let result =
      nanoseconds == .max ? pthread_join(handle, nil) : cthreads_join(handle, nanoseconds)
    if result != 0 {
      pthread_detach(handle)
      Self.abandonments.add(1, ordering: .relaxed)
    }
    hasEnded = result == 0
    return result == 0
  }

  private static let abandonments = Atomic<Int>(0)

  /// Whether a thread was abandoned that may hold locks forever; the process must then exit without cleaning up.
  package static var hasAbandoned: Bool { abandonments.load(ordering: .relaxed) > 0 }

  /// How long a thread may run without sleeping and keep its real-time priority.
  ///
  /// The audio threads run for less than a millisecond at a time, the model's thread for less than a frame of 80 ms. A
  /// thread that runs longer is stuck, or too slow for real time anyway, and must not freeze the whole machine.
  private static let longestRun: UInt64 = 200_000  // microseconds

  /// Gives threads of this process SCHED_FIFO, but only if the system can limit it: a thread that runs for 200 ms
  /// without sleeping loses it for good.
  ///
  /// - Returns: whether all of them got it.
  @discardableResult
  package static func raise(_ threads: [Int32], to priority: Int32) -> Bool {
    guard cthreads_limit_realtime(longestRun) == 0 else { return false }
    return threads.reduce(true) { (cthreads_set_priority($1, priority) == 0) && $0 }
  }

  /// As `raise`, for the calling thread.
  @discardableResult
  package static func raiseCurrent(to priority: Int32) -> Bool { raise([cthreads_id()], to: priority) }

  /// How many times a thread has lost its real-time priority because it ran too long without sleeping.
  package static var demotions: Int { Int(cthreads_demotions()) }

  /// Runs `body` and returns the ids of the threads it started that are alive, for `raise`.
  package static func started<Result>(
    by body: () throws -> Result
  ) rethrows -> (result: Result, threads: [Int32]) {
    let before = Set(all())
    let result = try body()
    return (result, all().filter { !before.contains($0) })
  }

  private static func all() -> [Int32] {
    var capacity = 256
    while true {
      var count: Int32 = 0
      let ids = [Int32](unsafeUninitializedCapacity: capacity) { buffer, initialized in
        count = cthreads_list(buffer.baseAddress!, Int32(buffer.count))
        initialized = min(Int(count), buffer.count)
      }
      if Int(count) <= capacity { return ids }
      capacity = 2 * Int(count)
    }
  }

  /// Whether the calling thread has SCHED_FIFO.
  package static var isCurrentRealtime: Bool {
    // The C library would return the policy it remembers, not the current one.
    sched_getscheduler(0) == SCHED_FIFO
  }

  /// Locks the program's memory, so that it is not swapped out. Returns whether the system allows it.
  package static func lockMemory() -> Bool { mlockall(MCL_CURRENT | MCL_FUTURE) == 0 }
}
