internal import Foundation
package import Kernels

/// Rotary position embedding over interleaved pairs (RoFormer, 3.4.2): (a, b) -> (a cos - b sin, a sin + b cos).
///
/// The frequencies are rounded to f32 as in the reference; the angle is taken in f64, so it stays accurate after days.
package struct RotaryEmbedding: Sendable {
  private let frequencies: [Float]
  // [columns][headWidth / 2] cosines, then as many sines.
  private let table: Region<Float>
  private let capacity: Int

  package init(headWidth: Int, maxPeriod: Double, columns: Int, scratch: inout MemoryPlan) {
    let half = headWidth / 2
    frequencies = (0..<half).map {
      exp(Float(-log(maxPeriod) * 2 / Double(headWidth)) * Float($0))
    }
    capacity = columns
    table = scratch.reserve(Float.self, 2 * columns * half)
  }

  /// Fills the table for the columns' positions: once a step, for all layers.
  func prepare(_ columns: Columns, _ scratch: MemoryView) {
    let half = frequencies.count
    let cosines = scratch[table]
    let sines = cosines + capacity * half
    for column in 0..<columns.count {
      let position = Double(columns.positions[column])
      for i in 0..<half {
        let angle = position * Double(frequencies[i])
        cosines[column * half + i] = Float(cos(angle))
        sines[column * half + i] = Float(sin(angle))
      }
    }
  }

  /// Rotates `heads` heads of every column in place.
  ///
  /// - Parameter x: [count][stride], heads contiguous.
  func rotate(_ x: UnsafeMutablePointer<Float>, stride: Int, heads: Int, count: Int, _ scratch: MemoryView) {
    let half = frequencies.count
    let cosines = scratch[table]
    let sines = cosines + capacity * half
    for column in 0..<count {
      let (cosine, sine) = (cosines + column * half, sines + column * half)
      for head in 0..<heads {
        let pair = x + column * stride + head * 2 * half
        for i in 0..<half {
          let (a, b) = (pair[2 * i], pair[2 * i + 1])
          pair[2 * i] = a * cosine[i] - b * sine[i]
          pair[2 * i + 1] = a * sine[i] + b * cosine[i]
        }
      }
    }
  }
}
