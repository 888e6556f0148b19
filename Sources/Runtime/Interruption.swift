import Glibc
import Synchronization

/// Whether the process was told to stop: SIGINT (Ctrl-C), SIGTERM, or SIGHUP from a terminal that is closed.
///
/// The loop polls once per frame and ends as it would at the end of the sound, so that the output so far is complete. A
/// second signal, of any of these kinds, ends the process at once.
package enum Interruption {
  private static let received = Atomic<Int32>(0)
  private static let isHangupWatched = Atomic<Bool>(false)

  /// Watches for the signals from now on.
  package static func watch() {
    // A global is initialized at its first use, which must not be in the handler.
    received.store(0, ordering: .relaxed)
    isHangupWatched.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = {
      Interruption.received.store($0, ordering: .relaxed)
      _ = Glibc.signal(SIGINT, SIG_DFL)
      _ = Glibc.signal(SIGTERM, SIG_DFL)
      // Not where it was ignored before: there it never came to this.
      if Interruption.isHangupWatched.load(ordering: .relaxed) { _ = Glibc.signal(SIGHUP, SIG_DFL) }
    }
    action.sa_flags = SA_RESTART
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    // SIGHUP stays ignored under nohup.
    var before = sigaction()
    sigaction(SIGHUP, nil, &before)
    let isIgnored = unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == 1
    isHangupWatched.store(!isIgnored, ordering: .relaxed)
    if !isIgnored { sigaction(SIGHUP, &action, nil) }
    // The parent process may have left the signals blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGHUP)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// The signal that came, or `nil`. Costs one atomic load.
  package static var signal: Int32? {
    let value = received.load(ordering: .relaxed)
    return value == 0 ? nil : value
  }

  package static var isRequested: Bool { signal != nil }
}
