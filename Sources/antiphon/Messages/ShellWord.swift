import Base

/// Text as one word of a command line that can be pasted into a shell.
enum ShellWord {
  /// The word, always in quotes, so that advice looks the same for all names.
  static func quoted(_ text: String) -> String {
    // A name that begins with a dash would be taken for an option.
    let text = text.hasPrefix("-") && text != "-" ? "./" + text : text
    if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || FileSystem.isStray($0) })
    {
      return escaped(text)
    }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// A word that is not a file name, in quotes only if it needs them.
  static func plain(_ text: String) -> String {
    let isSafe = text.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-=/:,".unicodeScalars.contains($0))
    }
    return isSafe && !text.isEmpty ? text : quoted(text)
  }

  /// The word with control characters escaped ($'...'), which bash, zsh and POSIX of 2024 read.
  private static func escaped(_ text: String) -> String {
    var word = "$'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'", "\\": word += "\\" + String(scalar)
      case "\n": word += "\\n"
      case "\t": word += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let octal = String(scalar.value, radix: 8)
        word += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
      case _ where FileSystem.isStray(scalar): word += FileSystem.readable(String(scalar))
      default: word.unicodeScalars.append(scalar)
      }
    }
    return word + "'"
  }
}
