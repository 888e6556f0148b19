import Foundation
import Testing

@testable import AudioIO

@Suite("Echo")
struct EchoTests {
  /// Something like speech: syllables of a buzzing voice that glides, and pauses; the same each time.
  private func speech(seconds: Double, pitch: Double, seed: UInt64) -> [Float] {
    var state = seed
    func random() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53)
    }
    var result: [Float] = []
    var phase = 0.0
    while result.count < Int(seconds * 24_000) {
      let count = Int(24_000 * (0.08 + 0.2 * random()))
      if random() < 0.2 {
        result += [Float](repeating: 0, count: count)
        continue
      }
      let (start, glide) = (pitch * (0.8 + 0.4 * random()), 0.9 + 0.2 * random())
      let formants = [300 + 500 * random(), 900 + 1500 * random(), 2400 + 900 * random()]
      let breath = random() < 0.3 ? 0.15 : 0.01
      var taps = [Double](repeating: 0, count: 6)
      for index in 0..<count {
        let place = Double(index) / Double(count)
        phase += start * (1 + (glide - 1) * place) / 24_000
        if phase >= 1 { phase -= 1 }
        let source = (phase < 0.1 ? 1 : -0.1) + breath * (random() - 0.5) * 8
        var sample = 0.0
        for (number, formant) in formants.enumerated() {
          let radius = 0.985
          let (a, b) = (2 * radius * cos(2 * .pi * formant / 24_000), -radius * radius)
          let output = source * 0.03 + a * taps[2 * number] + b * taps[2 * number + 1]
          taps[2 * number + 1] = taps[2 * number]
          taps[2 * number] = output
          sample += output
        }
        result.append(Float(sample * sin(.pi * place) * 0.3))
      }
    }
    return Array(result.prefix(Int(seconds * 24_000)))
  }

  /// A real voice: the recording of the demonstration.
  private func recording() throws -> [Float] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return readAll(try SoundFileReader.open(root.appendingPathComponent("Assets/audio/question.flac").path))
  }

  /// `sound`, `milliseconds` later and weaker by `decibels`.
  private func echo(_ sound: [Float], milliseconds: Int, decibels: Float) -> [Float] {
    let gain = powf(10, -decibels / 20)
    let delay = milliseconds * 24
    return sound.indices.map { $0 < delay ? 0 : gain * sound[$0 - delay] }
  }

  private func energy(_ sound: ArraySlice<Float>) -> Float { sound.reduce(0) { $0 + $1 * $1 } }

  /// Runs a canceller as the capture loop does: the microphone's clock and the loudspeaker's show the same time.
  private func clean(
    _ microphone: [Float], played: [Float], mode: EchoMode, jitter: (Int) -> Int = { _ in 0 }
  ) -> (sound: [Float], canceller: EchoCanceller) {
    let (history, clock) = (PlayedSound(), StreamClock())
    let canceller = EchoCanceller(mode, played: history, clock: clock, rate: 24_000)
    var sound = microphone
    let block = EchoFilter.blockSize
    let time = { (start: Int) in UInt64(10_000_000_000 + start * 1_000_000_000 / 24_000) }
    // The loudspeaker has run for a while, silent.
    for number in -300..<0 {
      clock.observe(Double(number * block), at: time(number * block) + UInt64(jitter(-number)))
    }
    // Some of the sound is known before it is played, because it waits in the queue.
    var given = 0
    for start in stride(from: 0, through: sound.count - block, by: block) {
      let wanted = min(start + 4 * block, played.count)
      played.withUnsafeBufferPointer {
        if wanted > given { history.append(.init(rebasing: $0[given..<wanted])) }
      }
      given = wanted
      let now = time(start)
      clock.observe(Double(start), at: now + UInt64(jitter(start / block)))
      sound.withUnsafeMutableBufferPointer { canceller.process($0.baseAddress! + start, capturedAt: now) }
    }
    return (sound, canceller)
  }

  @Test("an echo of -10 dB after 50 ms is 20 dB weaker after two seconds")
  func loop() throws {
    let played = try recording()
    let microphone = echo(played, milliseconds: 50, decibels: 10)
    let (sound, canceller) = clean(microphone, played: played, mode: .builtin)
    let loss = 10 * log10(energy(microphone[48_000...]) / energy(sound[48_000...]))
    #expect(loss >= 20, "\(loss) dB")
    #expect(canceller.returnLoss >= 12 && canceller.realignments == 1, "shown: \(canceller.returnLoss) dB")
  }

  @Test("clocks that jitter by two milliseconds do not disturb it")
  func jitter() throws {
    let played = try recording()
    let microphone = echo(played, milliseconds: 50, decibels: 10)
    let (sound, canceller) = clean(microphone, played: played, mode: .builtin) { 1_000_000 * ($0 * 7 % 3) }
    let loss = 10 * log10(energy(microphone[48_000...]) / energy(sound[48_000...]))
    #expect(loss >= 20 && canceller.realignments == 1, "\(loss) dB")
  }

  @Test("without an echo a voice passes unchanged")
  func transparent() {
    let voice = speech(seconds: 4, pitch: 200, seed: 5)
    let (sound, _) = clean(voice, played: [Float](repeating: 0, count: voice.count), mode: .builtin)
    // The block filter delays by at most a block, which does not affect the energy.
    let change = 10 * log10(energy(sound[24_000...]) / energy(voice[24_000...]))
    #expect(abs(change) < 1, "\(change) dB")
  }

  @Test("when both speak, the voice stays and the echo is removed")
  func doubleTalk() {
    let played = speech(seconds: 8, pitch: 120, seed: 1)
    let voice = speech(seconds: 8, pitch: 200, seed: 5)
    let echo = echo(played, milliseconds: 50, decibels: 10)
    // The voice begins when the filter has learnt the room.
    let microphone = echo.indices.map { echo[$0] + ($0 < 72_000 ? 0 : voice[$0]) }
    let (sound, _) = clean(microphone, played: played, mode: .builtin)
    // The energy of the voice in the output, and of everything else, at the best-fitting delay.
    let best = (0...480).map { delay -> (product: Float, delay: Int) in
      var product: Float = 0
      for index in stride(from: 80_000, to: 190_000, by: 3) { product += sound[index] * voice[index - delay] }
      return (product, delay)
    }.max { $0.product < $1.product }!
    let voiceEnergy = (80_000..<190_000).reduce(Float(0)) {
      $0 + voice[$1 - best.delay] * voice[$1 - best.delay]
    }
    let gain = best.product * 3 / voiceEnergy
    let rest = (80_000..<190_000).reduce(Float(0)) {
      let difference = sound[$1] - gain * voice[$1 - best.delay]
      return $0 + difference * difference
    }
    let ratio = 10 * log10(gain * gain * voiceEnergy / rest)
    #expect(gain > 0.6 && ratio > 6, "gain \(gain), voice to rest \(ratio) dB")
  }

  @Test("when both speak a real voice can be understood: STOI of 0.8 or more against the clean voice")
  func intelligible() throws {
    let voice = try recording()
    let played = speech(seconds: Double(voice.count) / 24_000 + 3, pitch: 120, seed: 1)
    let echo = echo(played, milliseconds: 50, decibels: 10)
    // The voice begins when the filter has learnt the room.
    let start = 72_000
    let microphone = echo.indices.map {
      echo[$0] + ($0 < start || $0 - start >= voice.count ? 0 : voice[$0 - start])
    }
    let (sound, _) = clean(microphone, played: played, mode: .builtin)
    let delay = (0...480).max { product($0) < product($1) }!
    func product(_ delay: Int) -> Float {
      stride(from: 0, to: voice.count - 480, by: 3).reduce(0) { $0 + sound[start + delay + $1] * voice[$1] }
    }
    func stoi(_ sound: [Float], _ delay: Int) -> Double {
      let heard = Array(sound[(start + delay)..<min(start + delay + voice.count, sound.count)])
      return Intelligibility.stoi(clean: Array(voice[..<heard.count]), processed: heard)
    }
    #expect(Intelligibility.stoi(clean: voice, processed: voice) > 0.999)
    let (before, after) = (stoi(microphone, 0), stoi(sound, delay))
    #expect(after >= 0.8, "\(before) before, \(after) after")
    print("STOI of a voice while both speak: \(before) before, \(after) after the canceller")
  }

  @Test("half duplex: the microphone is silent while the loudspeaker speaks, and open otherwise")
  func halfDuplex() {
    let played = tone(440, count: 24_000) + [Float](repeating: 0, count: 48_000)
    let voice = tone(300, count: 72_000, amplitude: 0.1)
    let (sound, _) = clean(voice, played: played, mode: .halfDuplex)
    #expect(sound[..<24_000].allSatisfy { $0 == 0 })
    #expect(sound[36_000...].elementsEqual(voice[36_000...]))
  }

  @Test("none: nothing is touched")
  func none() {
    let voice = tone(300, count: 4800)
    let (sound, canceller) = clean(voice, played: voice, mode: .none)
    #expect(sound == voice && canceller.returnLoss == 0)
  }

  @Test("sound that was never played, or long ago, is silence")
  func history() {
    let history = PlayedSound(capacity: 100)
    let sound = (1...130).map { Float($0) }
    sound.withUnsafeBufferPointer { history.append($0) }
    var block = [Float](repeating: 9, count: 4)
    block.withUnsafeMutableBufferPointer { history.copy(from: 128, into: $0) }
    #expect(block == [129, 130, 0, 0])
    block.withUnsafeMutableBufferPointer { history.copy(from: 78, into: $0) }
    #expect(block == [0, 0, 81, 82])
    block.withUnsafeMutableBufferPointer { history.copy(from: -2, into: $0) }
    #expect(block == [0, 0, 0, 0])
  }
}
