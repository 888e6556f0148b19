import AntiphonKit

@main
struct Example {
  static func main() throws {
    let arguments = CommandLine.arguments
    let model = try Model.open(arguments[1], threads: 2)
    let source = try SoundFileReader.open(arguments[2])
    let sink = try SoundFileWriter.create(arguments[3], overwrite: true)

    var conversation = Conversation(model, seed: 1)
    var words = StreamingText(model.tokenizer)
    var heard = AudioFrame(count: conversation.samplesPerFrame)
    var said = [Float](repeating: 0, count: conversation.samplesPerFrame)

    while heard.fill(from: source) {
      var frame = said.mutableSpan
      let step = conversation.step(heard.samples.span, into: &frame)
      sink.write(said.span)
      print(words.append(step.text), terminator: "")
    }
    try sink.finish()
  }
}
