internal import CThreads
internal import Glibc
internal import Synchronization

/// A thread that asks for real-time priority and says whether it got it.
package final class RealtimeThread: @unchecked Sendable {
  private final class Start: Sendable {
    let name: String
    let priority: Int32
    let body: @Sendable () -> Void
    let isRealtime = Atomic<Bool>(false)
    let isUnderWay = Wake()

    init(_ name: String, _ priority: Int32, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.priority = priority
      self.body = body
    }
  }

  private let start: Start
  private var handle = pthread_t()
  private var isJoined = false

  /// Whether the system granted SCHED_FIFO.
  package var isRealtime: Bool { start.isRealtime.load(ordering: .acquiring) }

  /// - Parameters:
  ///   - name: at most 15 characters.
  ///   - priority: of SCHED_FIFO, 1 to 99; 0 asks for none.
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
    if start.priority > 0 {
      var parameter = sched_param()
      parameter.sched_priority = start.priority
      let isGranted = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) == 0
      start.isRealtime.store(isGranted, ordering: .releasing)
    }
    start.isUnderWay.post()
    start.body()
    return nil
  }

  /// Waits until the thread's body has returned.
  package func join() {
    if isJoined { return }
    isJoined = true
    pthread_join(handle, nil)
  }

  /// Runs `body`; the threads that it starts have real-time priority, where that is allowed.
  package static func withThreads<Result>(
    of priority: Int32, _ body: () throws -> Result
  ) rethrows -> Result {
    var (before, policy) = (sched_param(), Int32(0))
    pthread_getschedparam(pthread_self(), &policy, &before)
    var wanted = sched_param()
    wanted.sched_priority = priority
    // A new thread has the priority of the one that starts it.
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted)
    defer { pthread_setschedparam(pthread_self(), policy, &before) }
    return try body()
  }

  /// Whether the calling thread has SCHED_FIFO.
  package static var isCurrentRealtime: Bool {
    var (parameter, policy) = (sched_param(), Int32(0))
    return pthread_getschedparam(pthread_self(), &policy, &parameter) == 0 && policy == SCHED_FIFO
  }

  /// Keeps the program's memory from being swapped out. Returns whether the system allows it.
  package static func lockMemory() -> Bool { mlockall(MCL_CURRENT | MCL_FUTURE) == 0 }
}
