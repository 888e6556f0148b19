internal import Checkpoint
internal import Codec
internal import Dialogue

/// Writes what a model computes, tensor by tensor, as safetensors files, for comparison with another implementation.
package enum TensorTrace {
  /// - Parameters:
  ///   - path: path of the codec.
  ///   - input: a file with `pcm`, F32 [samples].
  ///   - output: the file for `codes`, I32 [codebooks, frames], and `pcm`, F32 [samples].
  package static func codec(
    _ path: String, codebooks: Int, threads: Int, input: String, output: String
  ) throws {
    let codec = try Codec.open(path, codebooks: codebooks, threads: threads)
    let pcm = try Safetensors(input).floats("pcm", rank: 1).values
    let size = codec.configuration.samplesPerFrame
    let (frames, count) = (pcm.count / size, codec.configuration.codebooks)
    var encoder = codec.makeEncoderState()
    var decoder = codec.makeDecoderState()
    var codes = [Int32](repeating: 0, count: count)
    var frame = [Float](repeating: 0, count: size)
    var all = [Int32](repeating: 0, count: count * frames)
    var decoded: [Float] = []
    for index in 0..<frames {
      var codesSpan = codes.mutableSpan
      codec.encode(pcm.span.extracting(index * size..<(index + 1) * size), into: &codesSpan, &encoder)
      for (row, code) in codes.enumerated() { all[row * frames + index] = code }
      var frameSpan = frame.mutableSpan
      codec.decode(codes.span, into: &frameSpan, &decoder)
      decoded += frame
    }
    var file = SafetensorsWriter()
    file.add("codes", all, shape: [count, frames])
    file.add("pcm", decoded, shape: [decoded.count])
    try file.write(to: output)
  }

  /// - Parameters:
  ///   - directory: directory of the model.
  ///   - input: a file with `codes`, I32 [steps, user rows].
  ///   - output: the file for `text` and `text_logits` of greedy steps, and `audio`, `output` and `audio_logits` of a
  ///     model that speaks.
  package static func dialogue(_ directory: String, threads: Int, input: String, output: String) throws {
    let dialogue = try Dialogue.open(directory, threads: threads)
    let (shape, user) = try Safetensors(input).int32s("codes", rank: 2)
    let streams = dialogue.streams
    guard shape[1] == streams.user else {
      throw CheckpointError.wrongShape(
        file: input, tensor: "codes", expected: [shape[0], streams.user], found: shape)
    }
    guard user.allSatisfy({ (-1...Int32(streams.cardinality)).contains($0) }) else {
      throw CheckpointError.badField(
        file: input, field: "codes", expected: "-1 to \(streams.cardinality)", found: "others")
    }
    let trace = try dialogue.trace(user, steps: shape[0])
    let steps = shape[0]
    var file = SafetensorsWriter()
    file.add("text", trace.text, shape: [steps])
    file.add("text_logits", trace.textLogits, shape: [steps, dialogue.configuration.textOutputs])
    if streams.own > 0 {
      file.add("audio", trace.audio, shape: [steps, streams.own])
      file.add("output", trace.output, shape: [steps, streams.own])
      file.add("audio_logits", trace.audioLogits, shape: [steps, streams.own, streams.cardinality])
    }
    try file.write(to: output)
  }
}
