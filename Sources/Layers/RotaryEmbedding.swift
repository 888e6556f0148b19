internal import Foundation
internal import Kernels

/// Rotary position embedding over interleaved pairs (RoFormer, 3.4.2): (a, b) -> (a cos - b sin, a sin + b cos).
///
/// The frequencies are rounded to f32 as in the reference; the angle is computed in f64, so that it
/// stays accurate in conversations that last days.
package struct RotaryEmbedding: Sendable {
  private let frequencies: [Float]

  package init(headWidth: Int, maxPeriod: Double) {
    frequencies = (0..<headWidth / 2).map {
      exp(Float(-log(maxPeriod) * 2 / Double(headWidth)) * Float($0))
    }
  }

  /// Reserves the table of cosines and sines for `lanes` lanes: [lanes][headWidth / 2] each.
  func reserve(lanes: Int, in plan: inout MemoryPlan) -> Region<Float> {
    plan.reserve(Float.self, 2 * lanes * frequencies.count)
  }

  /// Fills the table for the lanes' positions: once a pass, for all layers.
  func prepare(_ lanes: Lanes, _ cosines: UnsafeMutablePointer<Float>) {
    let half = frequencies.count
    let sines = cosines + lanes.count * half
    for lane in 0..<lanes.count {
      let position = Double(lanes.positions[lane])
      for i in 0..<half {
        let angle = position * Double(frequencies[i])
        cosines[lane * half + i] = Float(cos(angle))
        sines[lane * half + i] = Float(sin(angle))
      }
    }
  }

  /// Rotates `heads` heads of every lane in place.
  ///
  /// - Parameters:
  ///   - x: [count][stride], heads contiguous.
  ///   - cosines: the table that `prepare` filled for as many lanes.
  func rotate(
    _ x: UnsafeMutablePointer<Float>, stride: Int, heads: Int, count: Int, _ cosines: UnsafePointer<Float>
  ) {
    let half = frequencies.count
    let sines = cosines + count * half
    for lane in 0..<count {
      let (cosine, sine) = (cosines + lane * half, sines + lane * half)
      for head in 0..<heads {
        let pair = x + lane * stride + head * 2 * half
        for i in 0..<half {
          let (a, b) = (pair[2 * i], pair[2 * i + 1])
          pair[2 * i] = a * cosine[i] - b * sine[i]
          pair[2 * i + 1] = a * sine[i] + b * cosine[i]
        }
      }
    }
  }
}
