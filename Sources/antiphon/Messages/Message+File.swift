import Base
import Glibc

extension Message {
  init(_ error: FileError) {
    switch error {
    case .cannotOpen(let path, let code), .cannotRead(let path, let code):
      self.init("'\(path)' cannot be read: \(Self.reason(code)).", "See who may: ls -l '\(path)'", .noInput)
    case .cannotCreate(let path, let code) where code == EEXIST:
      self.init(
        "'\(path)' is there already.", "Add --overwrite to replace it, or name another.", .cannotCreate)
    case .cannotCreate(let path, let code), .cannotWrite(let path, let code):
      self.init(
        "'\(path)' cannot be written: \(Self.reason(code)).",
        "Make room, or name a place in a directory that may be written.", Self.exit(writing: code))
    }
  }
}
