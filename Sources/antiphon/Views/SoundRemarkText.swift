import AudioIO

/// A remark about a sound, in words.
enum SoundRemarkText {
  static func text(_ remark: SoundRemark, path: String) -> String {
    let name = path == "-" ? "standard input" : "'\(path)'"
    switch remark {
    case .cancelling(let channel, let seconds):
      return
        "note: the channels of \(name) cancel each other for \(Message.seconds(seconds)); channel \(channel) was "
        + "used alone there. --channel chooses another."
    case .wrongSize(let bytes):
      return "note: \(name) says that it has \(bytes) bytes of sound; it was read to its end all the same."
    case .more(let seconds):
      return
        "note: more follows on \(name) after \(Message.seconds(seconds)) and was left out; give it as a file."
    case .cut(let seconds, let promised):
      let more = promised.map { " of \(Message.seconds($0)) that it promises" } ?? ": its end is missing"
      return "note: \(name) breaks off after \(Message.seconds(seconds))\(more)."
    }
  }
}
