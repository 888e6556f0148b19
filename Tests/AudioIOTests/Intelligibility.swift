import Foundation

@testable import AudioIO

/// STOI (Taal and others, 2011): how well speech can be understood beside its clean original, 0 to 1.
enum Intelligibility {
  private static let rate = 10_000.0
  private static let size = 256
  private static let points = 512
  private static let bands = 15
  private static let segment = 30

  /// - Parameters: both at 24 kHz, of the same length and aligned.
  static func stoi(clean: [Float], processed: [Float]) -> Double {
    let (x, y) = withoutSilence(
      Resampler.resample(clean, from: 24_000, to: rate), Resampler.resample(processed, from: 24_000, to: rate)
    )
    let (a, b) = (spectrum(x), spectrum(y))
    guard a.count >= segment else { return 0 }
    let limit = 1 + pow(10, 15.0 / 20)
    var (sum, count) = (0.0, 0)
    for end in segment...a.count {
      for band in 0..<bands {
        let original = (end - segment..<end).map { a[$0][band] }
        var heard = (end - segment..<end).map { b[$0][band] }
        let scale = norm(original) / (norm(heard) + 1e-15)
        for index in heard.indices { heard[index] = min(heard[index] * scale, original[index] * limit) }
        sum += correlation(original, heard)
        count += 1
      }
    }
    return sum / Double(count)
  }

  private static let window: [Double] = (1...size).map { (index: Int) -> Double in
    0.5 - 0.5 * cos(2 * Double.pi * Double(index) / Double(size + 1))
  }

  private static func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  private static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    let (centredA, centredB) = (a.map { $0 - meanA }, b.map { $0 - meanB })
    return zip(centredA, centredB).reduce(0) { $0 + $1.0 * $1.1 } / (norm(centredA) * norm(centredB) + 1e-15)
  }

  /// Leaves out the frames in which the clean sound is 40 dB below its loudest.
  private static func withoutSilence(_ x: [Float], _ y: [Float]) -> ([Double], [Double]) {
    let starts = Array(stride(from: 0, through: min(x.count, y.count) - size, by: size / 2))
    func frame(_ sound: [Float], _ start: Int) -> [Double] {
      (0..<size).map { Double(sound[start + $0]) * window[$0] }
    }
    let energies = starts.map { 20 * log10(norm(frame(x, $0)) + 1e-15) }
    let kept = zip(starts, energies).filter { $0.1 > energies.max()! - 40 }.map(\.0)
    func joined(_ sound: [Float]) -> [Double] {
      var result = [Double](repeating: 0, count: (kept.count - 1) * size / 2 + size)
      for (number, start) in kept.enumerated() {
        for (index, sample) in frame(sound, start).enumerated() {
          result[number * size / 2 + index] += sample
        }
      }
      return result
    }
    return (joined(x), joined(y))
  }

  /// (frames, bands): the loudness of thirds of an octave from 150 Hz.
  private static func spectrum(_ sound: [Double]) -> [[Double]] {
    let angles: [Double] = (0..<points).map { 2 * Double.pi * Double($0) / Double(points) }
    let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
    func bin(_ frequency: Double) -> Int { Int((frequency * Double(points) / rate).rounded()) }
    func edge(_ sixths: Int) -> Int { bin(150 * pow(2, Double(sixths) / 6)) }
    let edges: [(Int, Int)] = (0..<bands).map { (band: Int) -> (Int, Int) in
      (edge(2 * band - 1), edge(2 * band + 1))
    }
    let starts = Array(stride(from: 0, through: sound.count - size, by: size / 2))
    return starts.map { (start: Int) -> [Double] in
      var frame = [Double](repeating: 0, count: size)
      for index in 0..<size { frame[index] = sound[start + index] * window[index] }
      return edges.map { (low: Int, high: Int) -> Double in
        var power = 0.0
        for bin in low..<high {
          var (real, imaginary) = (0.0, 0.0)
          for index in 0..<size {
            real += frame[index] * cosines[bin * index % points]
            imaginary += frame[index] * sines[bin * index % points]
          }
          power += real * real + imaginary * imaginary
        }
        return power.squareRoot()
      }
    }
  }
}
