import AudioIO
import Base
import Dialogue
import Measure
import Runtime

/// The result of `doctor`.
struct DoctorView: Encodable {
  struct Model: Encodable {
    let name: String
    /// Whether this version can read it.
    let isRead: Bool
    let cases: [Assessment]
    let help: String
  }

  let processor: String?
  let processors: Int
  let instructions: String
  let memoryBytes: Int
  /// Processors that other programs keep busy, on average over the last minute.
  let load: Double
  let speed: MachineSpeed
  let models: [Model]
  let sound: String
  let advice: [String]

  // Mimi's weights and both of its states.
  private static let codecBytes = 450_000_000

  /// - Parameter kv: the form of keys and values.
  init(_ speed: MachineSpeed, kv: CacheOptions.Format, instructions: String, usual: [Model], sound: String) {
    self.speed = speed
    self.instructions = instructions
    self.sound = sound
    processor = Host.processor
    processors = Host.processors
    let memory = Host.memory
    memoryBytes = memory
    load = Host.load
    models =
      PublishedModel.all.map { known in
        let cases = Self.cases(known, kv, speed, memory)
        return Model(
          name: known.name, isRead: known.isRead, cases: cases,
          help: Self.help(known, cases, smallerCache: Self.cases(known, .q8, speed, memory), speed))
      } + usual
    advice = Self.advice(speed, load: load)
  }

  /// A known model with every number of bits per weight.
  private static func cases(
    _ known: PublishedModel, _ kv: CacheOptions.Format, _ speed: MachineSpeed, _ memory: Int
  )
    -> [Assessment]
  {
    [16, 8, 4].map { bits in
      let work = known.work(bits: bits, kv: kv)
      return Assessment(
        work, step: speed.seconds(work), codec: speed.mimiSeconds(codebooks: known.codebooks),
        needed: work.weightBytes + work.cacheBytes + known.tableBytes + codecBytes, memory: memory)
    }
  }

  /// What would make it run in real time; empty if it already does as published.
  private static func help(
    _ known: PublishedModel, _ cases: [Assessment], smallerCache: [Assessment], _ speed: MachineSpeed
  ) -> String {
    guard cases[0].verdict != .yes else { return "" }
    if let fits = cases.first(where: { $0.verdict == .yes }) { return "convert --bits \(fits.bits)" }
    if let fits = smallerCache.first(where: { $0.verdict == .yes }) {
      return (fits.bits == 16 ? "" : "convert --bits \(fits.bits), and ") + "--kv q8"
    }
    let least = smallerCache[cases.count - 1]
    if least.verdict == .tooLarge { return "\(NumberText.bytes(least.memoryBytes * 10 / 9)) of memory" }
    if let frames = framesPerPass(known, speed) {
      return "a drafter, and --frames-per-pass \(frames), at 4 bits and with --kv q8"
    }
    let left = Assessment.frameMs * Assessment.enough - least.codecMs
    guard left > 0 else {
      return "a faster processor: the codec alone takes \(NumberText.fixed(least.codecMs, 0)) ms"
    }
    let wanted = least.stepMs / left
    let rate = (speed.kernels["4"]?.memory ?? 0)
    return rate < 0.7 * speed.readBandwidth
      ? "\(NumberText.fixed(wanted, 1)) times as many processors, at 4 bits and with --kv q8"
      : "memory of \(NumberText.fixed(rate * wanted / 1e9, 0)) GB/s, at 4 bits and with --kv q8"
  }

  /// The fewest frames for one pass of the backbone that a model which speaks needs here; nil if four are too few.
  private static func framesPerPass(_ known: PublishedModel, _ speed: MachineSpeed) -> Int? {
    guard known.depth != nil else { return nil }
    return (2...4).first { frames in
      let codec = Double(frames) * speed.mimiSeconds(codebooks: known.codebooks)
      let total = speed.seconds(known, kv: .q8, frames: frames) + codec
      return total * 1000 <= Double(frames) * Assessment.frameMs * Assessment.enough
    }
  }

  /// Advice on settings that slow this machine down and can be changed.
  private static func advice(_ speed: MachineSpeed, load: Double) -> [String] {
    var advice: [String] = []
    if load > 0.5 {
      advice.append(
        "Other programs keep \(NumberText.fixed(load, 1)) processors busy: a frame takes longer than this while they run."
      )
    }
    if let governor = Host.governor, governor == "powersave" {
      advice.append("The processor saves power: sudo cpupower frequency-set -g performance")
    }
    if Host.hugePages == "never" {
      advice.append(
        "Large pages are off: echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
    }
    return advice
  }

  /// The result as lines of text.
  var text: String {
    func rate(_ bytes: Double) -> String { NumberText.fixed(bytes / 1e9, 1) }
    var parts = [
      "\(processor ?? "unknown processor"), \(processors) processors, \(instructions), "
        + "\(NumberText.bytes(memoryBytes)) of memory",
      "\(speed.threads) threads read \(rate(speed.readBandwidth)) GB/s of memory; the kernels of a step read "
        + [16, 8, 4].map { "\(rate(speed.kernels["\($0)"]?.memory ?? 0)) at \($0) bits" }.joined(
          separator: ", "),
      "sound: \(sound)", "",
    ]
    let rows = models.map { model in
      [model.name + (model.isRead ? "" : " (not read yet)")] + model.cases.map(Self.words)
    }
    parts.append(TextTable.text([["ms per frame of 80", "16 bits", "8 bits", "4 bits"]] + rows))
    let helps = models.filter { !$0.help.isEmpty }.map { ["  " + $0.name + ":", $0.help] }
    if !helps.isEmpty {
      let width = helps.map { $0[0].count }.max() ?? 0
      parts += ["", "What would help:"]
      parts += helps.map { $0[0] + String(repeating: " ", count: width - $0[0].count + 1) + $0[1] }
    }
    if !advice.isEmpty { parts += [""] + advice }
    return parts.joined(separator: "\n")
  }

  private static func words(_ example: Assessment) -> String {
    let time = NumberText.fixed(example.milliseconds, 0)
    switch example.verdict {
    case .yes:
      return "\(time) yes, \(NumberText.fixed(Assessment.frameMs - example.milliseconds, 0)) to spare"
    case .barely: return "\(time) barely"
    case .tooSlow:
      return "\(time) no, \(NumberText.fixed(example.milliseconds / Assessment.frameMs, 1))x too slow"
    case .tooLarge: return "needs \(NumberText.bytes(example.memoryBytes))"
    }
  }
}
