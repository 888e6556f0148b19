import Checkpoint
import Kernels
import Layers
import TestSupport
import Testing

/// Convolutions that run a few columns at a time against the reference's, which ran all columns at once.
struct StreamingLayerTests {
  @Test("one big call is the reference's", arguments: StreamingLayer.all)
  func golden(layer: StreamingLayer) throws {
    let (scope, file) = try GoldenLayers.open()
    let x = try GoldenLayers.timeFirst(file, layer.name + ".input")
    let expected = try GoldenLayers.timeFirst(file, layer.name + ".output")
    var session = try layer.session(scope, steps: x.count / layer.inputs)
    #expect(largestDifference(session.run(x, by: x.count / layer.inputs), expected) <= 1e-6)
  }

  @Test("steps of any size are one big call, to the last bit", arguments: StreamingLayer.all, [1, 2, 3, 7])
  func steps(layer: StreamingLayer, size: Int) throws {
    let (scope, file) = try GoldenLayers.open()
    let x = try GoldenLayers.timeFirst(file, layer.name + ".input")
    let all = x.count / layer.inputs
    var offline = try layer.session(scope, steps: all)
    var stream = try layer.session(scope, steps: size * layer.unit)
    #expect(stream.run(x, by: size * layer.unit) == offline.run(x, by: all))
  }

  @Test("steps of changing size are one big call", arguments: StreamingLayer.all)
  func changing(layer: StreamingLayer) throws {
    let (scope, file) = try GoldenLayers.open()
    let x = try GoldenLayers.timeFirst(file, layer.name + ".input")
    let all = x.count / layer.inputs
    var offline = try layer.session(scope, steps: all)
    var stream = try layer.session(scope, steps: 5 * layer.unit)
    let (first, second) = (4 * layer.unit * layer.inputs, 9 * layer.unit * layer.inputs)
    let parts =
      stream.run(Array(x[..<first]), by: layer.unit)
      + stream.run(Array(x[first..<second]), by: 5 * layer.unit)
      + stream.run(Array(x[second...]), by: 2 * layer.unit)
    #expect(parts == offline.run(x, by: all))
  }

  @Test("new memory leaves no trace of the old, and a fork goes its own way", arguments: StreamingLayer.all)
  func traces(layer: StreamingLayer) throws {
    let (scope, file) = try GoldenLayers.open()
    let x = try GoldenLayers.timeFirst(file, layer.name + ".input")
    let step = 2 * layer.unit
    var session = try layer.session(scope, steps: step)
    let fresh = session.run(x, by: step)
    session.reset()
    #expect(session.run(x, by: step) == fresh)
    session.reset()
    let half = 6 * layer.unit * layer.inputs
    let begin = session.run(Array(x[..<half]), by: step)
    var copy = session.fork()
    // The original hears something else meanwhile.
    _ = session.run(x.map { -2 * $0 }, by: step)
    #expect(begin + copy.run(Array(x[half...]), by: step) == fresh)
  }

  @Test("a convolution's output can be added to what is there")
  func accumulates() throws {
    let (scope, file) = try GoldenLayers.open()
    let x = try GoldenLayers.timeFirst(file, "conv_k3.input")
    let expected = try GoldenLayers.timeFirst(file, "conv_k3.output")
    var plan = MemoryPlan()
    let layer = try StreamingConvolution(
      scope["conv_k3"], inputs: 6, outputs: 4, kernel: 3, steps: 12, state: &plan)
    let memory = MemoryBlock(plan)
    var y = [Float](repeating: 10, count: 48)
    layer.step(x, 12, into: &y, accumulate: true, isFirst: true, memory.view, Workers(threads: 1))
    #expect(largestDifference(y, expected.map { $0 + 10 }) <= 2e-6)
  }

  @Test("weights stored as direction and length are the plain weights")
  func weightNorm() throws {
    let (scope, file) = try GoldenLayers.open()
    let (shape, weight) = try file.floats("conv_k8s4.weight", rank: 3)
    let size = shape[1] * shape[2]
    let norms = (0..<shape[0]).map { row in
      (0..<size).reduce(0 as Float) { $0 + weight[row * size + $1] * weight[row * size + $1] }.squareRoot()
    }
    var writer = SafetensorsWriter()
    writer.add("weight_g", norms, shape: [shape[0], 1, 1])
    writer.add("weight_v", weight.map { $0 * 3 }, shape: shape)
    writer.add("bias", try file.floats("conv_k8s4.bias", rank: 1).values, shape: [shape[0]])
    let directory = try TemporaryDirectory()
    try writer.write(to: directory.file("w.safetensors"))
    let other = Checkpoint(try Safetensors(directory.file("w.safetensors"))).scope("")
    let x = try GoldenLayers.timeFirst(file, "conv_k8s4.input")
    func run(_ scope: Scope) throws -> [Float] {
      var plan = MemoryPlan()
      let layer = try StreamingConvolution(
        scope, inputs: 4, outputs: 6, kernel: 8, stride: 4, steps: 48, state: &plan)
      let memory = MemoryBlock(plan)
      var y = [Float](repeating: 0, count: 72)
      layer.step(x, 48, into: &y, isFirst: true, memory.view, Workers(threads: 1))
      return y
    }
    let (normed, plain) = (try run(other), try run(scope["conv_k8s4"]))
    #expect(largestDifference(normed, plain) <= 1e-6)
  }
}
