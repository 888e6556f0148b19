import Checkpoint
import Kernels
import Layers
import TestSupport
import Testing

/// A streaming layer with a state of its own, whatever the layer.
struct LayerRun: ~Copyable {
  private var memory: MemoryBlock
  private let plan: MemoryPlan
  private let workers = Workers(threads: 1)
  private let inputs: Int
  private var isFirst = true
  /// (steps, x, y, is first, memory, workers)
  private let step:
    (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Bool, MemoryView, Workers) -> Void
  private let outputs: (Int) -> Int

  init(
    _ plan: MemoryPlan, inputs: Int, outputs: @escaping (Int) -> Int,
    step:
      @escaping (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Bool, MemoryView, Workers) -> Void
  ) {
    self.plan = plan
    memory = MemoryBlock(plan)
    self.inputs = inputs
    self.outputs = outputs
    self.step = step
  }

  mutating func reset() {
    memory = MemoryBlock(plan)
    isFirst = true
  }

  borrowing func fork() -> LayerRun {
    var copy = LayerRun(plan, inputs: inputs, outputs: outputs, step: step)
    copy.memory = memory.fork()
    copy.isFirst = isFirst
    return copy
  }

  /// Runs `x`, [time][inputs], in calls of `steps` columns; the last call may be shorter.
  mutating func run(_ x: [Float], by steps: Int) -> [Float] {
    let all = x.count / inputs
    var result: [Float] = []
    for start in stride(from: 0, to: all, by: steps) {
      let count = min(steps, all - start)
      var y = [Float](repeating: .nan, count: outputs(count))
      x.withUnsafeBufferPointer { x in
        step(count, x.baseAddress! + start * inputs, &y, isFirst, memory.view, workers)
      }
      isFirst = false
      result += y
    }
    return result
  }
}

/// A golden streaming layer by name.
struct StreamingLayer: Sendable, CustomTestStringConvertible {
  let name: String
  let inputs: Int
  let outputs: Int
  let kernel: Int
  let stride: Int
  let kind: Kind

  enum Kind: Sendable { case convolution, replicate, transposed, depthwise }

  var testDescription: String { name }

  static let all = [
    StreamingLayer(name: "conv_k1", inputs: 6, outputs: 4, kernel: 1, stride: 1, kind: .convolution),
    StreamingLayer(name: "conv_k3", inputs: 6, outputs: 4, kernel: 3, stride: 1, kind: .convolution),
    StreamingLayer(name: "conv_k7", inputs: 1, outputs: 8, kernel: 7, stride: 1, kind: .convolution),
    StreamingLayer(name: "conv_k8s4", inputs: 4, outputs: 6, kernel: 8, stride: 4, kind: .convolution),
    StreamingLayer(name: "conv_k10s5", inputs: 3, outputs: 5, kernel: 10, stride: 5, kind: .convolution),
    StreamingLayer(
      name: "conv_k4s2_replicate", inputs: 8, outputs: 8, kernel: 4, stride: 2, kind: .replicate),
    StreamingLayer(name: "convtr_k8s4", inputs: 6, outputs: 4, kernel: 8, stride: 4, kind: .transposed),
    StreamingLayer(name: "convtr_k10s5", inputs: 5, outputs: 3, kernel: 10, stride: 5, kind: .transposed),
    StreamingLayer(
      name: "convtr_k4s2_depthwise", inputs: 8, outputs: 8, kernel: 4, stride: 2, kind: .depthwise),
  ]

  /// Input columns that make one output column, or the only size of step.
  var unit: Int { kind == .convolution || kind == .replicate ? stride : 1 }

  /// - Parameter steps: most input columns of a call.
  func session(_ scope: Scope, steps: Int) throws -> LayerRun {
    var plan = MemoryPlan()
    let (inputs, outputs, stride) = (inputs, outputs, stride)
    switch kind {
    case .convolution, .replicate:
      let layer = try StreamingConvolution(
        scope[name], inputs: inputs, outputs: outputs, kernel: kernel, stride: stride,
        padding: kind == .replicate ? .replicate : .zeros, steps: steps, state: &plan)
      return LayerRun(plan, inputs: inputs, outputs: { $0 / stride * outputs }) {
        layer.step($1, $0, into: $2, isFirst: $3, $4, $5)
      }
    case .transposed:
      let layer = try StreamingTransposedConvolution(
        scope[name], inputs: inputs, outputs: outputs, kernel: kernel, stride: stride, steps: steps,
        state: &plan)
      return LayerRun(plan, inputs: inputs, outputs: { $0 * stride * outputs }) {
        layer.step($1, $0, into: $2, $4, $5)
      }
    case .depthwise:
      let layer = try StreamingDepthwiseUpsample(
        scope[name], channels: inputs, kernel: kernel, stride: stride, steps: steps, state: &plan)
      return LayerRun(plan, inputs: inputs, outputs: { $0 * stride * inputs }) { steps, x, y, _, memory, _ in
        layer.input(memory).update(from: x, count: steps * inputs)
        layer.step(steps, into: y, memory)
      }
    }
  }
}
