import Glibc

/// Facts about the computer that this program runs on.
package enum Host {
  /// Name, kernel, processor, cores and governor, as far as the machine reports them, by their log keys.
  package static func describe(_ set: (_ key: String, _ value: String?) -> Void) {
    var system = utsname()
    if uname(&system) == 0 {
      set("os", text(&system.sysname) + " " + text(&system.release))
      set("architecture", text(&system.machine))
    }
    set("cpu_model", processor)
    set("cpus", String(processors))
    set("governor", governor)
    if memory > 0 { set("memory_bytes", String(memory)) }
  }

  /// Number of processors online.
  package static var processors: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }

  /// Bytes of memory; 0 if the system does not report it.
  package static var memory: Int { max(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)), 0) }

  /// The governor that sets the processor's speed, if the system reports it.
  package static var governor: String? {
    firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
  }

  /// Current speed of the first processor, in MHz, if the system reports it.
  package static var megahertz: Int? {
    if let kilohertz = firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").flatMap({ Int($0) })
    {
      return kilohertz / 1000
    }
    guard let text = try? TextFile.read("/proc/cpuinfo") else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("cpu MHz") }
    let value = line?.split(separator: ":").last.flatMap { Double($0.filter { !$0.isWhitespace }) }
    return value.flatMap { Int(exactly: $0.rounded()) }
  }

  /// Size in bytes of the first processor's largest cache.
  package static var largestCache: Int? {
    let sizes = (0..<5).compactMap { index -> Int? in
      guard let text = firstLine("/sys/devices/system/cpu/cpu0/cache/index\(index)/size") else { return nil }
      return Int(text.filter(\.isNumber)).map { text.hasSuffix("M") ? $0 << 20 : $0 << 10 }
    }
    return sizes.max()
  }

  /// `always`, `madvise` or `never`.
  package static var hugePages: String? {
    firstLine("/sys/kernel/mm/transparent_hugepage/enabled")?.split(separator: "[").last?
      .split(separator: "]").first.map(String.init)
  }

  /// Load average over the last minute: processes that run or wait for a processor.
  package static var load: Double {
    var loads = [0.0]
    return getloadavg(&loads, 1) == 1 ? loads[0] : 0
  }

  /// Peak memory of this process, in bytes.
  package static var peakMemory: Int? {
    guard let text = try? TextFile.read("/proc/self/status") else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0.filter(\.isNumber)) }.map {
      $0 * 1024
    }
  }

  /// Microseconds since this process was started, to the kernel's resolution of a hundredth of a second.
  package static func processAge() -> Int64? {
    guard let text = try? TextFile.read("/proc/self/stat") else { return nil }
    // The second field is the program's name in brackets, which may contain spaces.
    guard let bracket = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: bracket)...].split(separator: " ")
    guard fields.count > 19, let started = Int64(fields[19]) else { return nil }
    return max(
      MonotonicClock.microsecondsSinceBoot - started * 1_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK))), 0)
  }

  /// The current time in UTC, such as `2026-11-23T07:08:03Z`.
  package static func date() -> String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  /// Name of the processor.
  package static var processor: String? {
    guard let text = try? TextFile.read("/proc/cpuinfo") else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) }
  }

  private static func firstLine(_ path: String) -> String? {
    (try? TextFile.read(path))?.split(separator: "\n").first.map(String.init)
  }

  private static func text<Field>(_ field: inout Field) -> String {
    withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
