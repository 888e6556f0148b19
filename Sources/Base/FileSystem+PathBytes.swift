package import Glibc

/// Paths as the system has them: bytes, which need not be UTF-8.
///
/// A Swift string cannot hold a byte that is not part of UTF-8, and Swift's own `CommandLine.arguments` replaces it, after
/// which no file has that name. So a path is a string in which such a byte is a private character, U+10FE80 for 0x80 to
/// U+10FEFF for 0xFF. `path(from:)` makes it, `bytes(of:)` undoes it, and both stand in every place where a path comes from
/// the system or goes to it. A name that really has one of these characters has its four bytes written so, and is none
/// the worse.
extension FileSystem {
  private static let first: UInt32 = 0x10_FE00
  private static let stray: ClosedRange<UInt32> = 0x10_FE80...0x10_FEFF

  /// The path of these bytes, which end with a 0.
  package static func path(from bytes: UnsafePointer<CChar>) -> String {
    path(from: UnsafeRawBufferPointer(start: bytes, count: strlen(bytes)))
  }

  package static func path(from bytes: UnsafeRawBufferPointer) -> String {
    if let text = String(validating: bytes, as: UTF8.self), !hasStrayBytes(text) { return text }
    var path = String.UnicodeScalarView()
    func append(_ part: Slice<UnsafeRawBufferPointer>) {
      for byte in part { path.append(Unicode.Scalar(first + UInt32(byte)) ?? "\u{FFFD}") }
    }
    var start = bytes.startIndex
    while start < bytes.endIndex {
      // The character that begins here is whole after one to four bytes, or never.
      let scalar = (1...4).lazy.compactMap { count -> (Unicode.Scalar, Int)? in
        guard start + count <= bytes.endIndex else { return nil }
        let text = String(validating: bytes[start..<start + count], as: UTF8.self)
        return text?.unicodeScalars.first.map { ($0, count) }
      }.first
      guard let (scalar, count) = scalar else {
        append(bytes[start..<start + 1])
        start += 1
        continue
      }
      if stray.contains(scalar.value) { append(bytes[start..<start + count]) } else { path.append(scalar) }
      start += count
    }
    return String(path)
  }

  /// The bytes of a path and a 0, for a call of the system.
  package static func bytes(of path: String) -> [CChar] {
    guard hasStrayBytes(path) else { return Array(path.utf8CString) }
    var bytes: [CChar] = []
    for scalar in path.unicodeScalars {
      if stray.contains(scalar.value) {
        bytes.append(CChar(bitPattern: UInt8(scalar.value - first)))
      } else {
        bytes += UTF8.encode(scalar).map { $0.map { CChar(bitPattern: $0) } } ?? []
      }
    }
    return bytes + [0]
  }

  /// Text in which paths can be read: a byte that is no text is written `\xFF`.
  package static func readable(_ text: String, escape: String = "\\x") -> String {
    guard hasStrayBytes(text) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if stray.contains(scalar.value) {
        result += (escape + String(scalar.value - first, radix: 16)).unicodeScalars
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Whether a character stands for a byte that is no text.
  package static func isStray(_ scalar: Unicode.Scalar) -> Bool { stray.contains(scalar.value) }

  private static func hasStrayBytes(_ text: String) -> Bool {
    // Nearly no text has a character of the highest plane.
    text.utf8.contains(0xF4) && text.unicodeScalars.contains { isStray($0) }
  }

  // MARK: Calls of the system that take a path

  /// As open(2): a descriptor, or -1 and `errno`.
  package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o666) -> Int32 {
    Glibc.open(bytes(of: path), flags | O_CLOEXEC, mode)
  }

  /// As stat(2): nil, and `errno`, where there is nothing.
  package static func status(_ path: String) -> stat? {
    var status = stat()
    return stat(bytes(of: path), &status) == 0 ? status : nil
  }

  /// As access(2): whether this process may do so.
  package static func may(_ how: Int32, _ path: String) -> Bool { access(bytes(of: path), how) == 0 }

  /// As rename(2): 0, or the error number.
  package static func move(_ path: String, to other: String) -> Int32 {
    rename(bytes(of: path), bytes(of: other)) == 0 ? 0 : errno
  }

  package static func remove(_ path: String) { unlink(bytes(of: path)) }

  /// The path to which all links lead; the same path where there is nothing.
  package static func resolved(_ path: String) -> String {
    guard let real = realpath(bytes(of: path), nil) else { return path }
    defer { free(real) }
    return Self.path(from: real)
  }

  /// What a link says; nil where the path is none.
  package static func link(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(bytes(of: path), &buffer, buffer.count)
    guard count > 0 else { return nil }
    return buffer.withUnsafeBytes { Self.path(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  /// The value of a variable of the environment.
  package static func variable(_ name: String) -> String? { getenv(name).map { path(from: $0) } }
}
