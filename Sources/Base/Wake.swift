internal import CThreads
internal import Glibc

/// Lets one thread sleep until another has something for it. Posting neither waits nor allocates.
package final class Wake: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  package init() {
    semaphore = .allocate(capacity: 1)
    let error = sem_init(semaphore, 0, 0)
    precondition(error == 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  package func post() {
    var value: Int32 = 0
    // A second pending post would only wake the sleeper once more for nothing.
    if sem_getvalue(semaphore, &value) == 0, value < 1 { sem_post(semaphore) }
  }

  /// Sleeps until a post, or until the time has passed; returns false in the latter case.
  @discardableResult
  package func wait(nanoseconds: UInt64) -> Bool {
    cthreads_wait(semaphore, nanoseconds) == 0
  }
}
