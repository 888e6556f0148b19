import Checkpoint

extension Message {
  /// Errors of an index and its shards.
  init(index file: String, _ fault: CheckpointError.IndexFault) {
    let directory = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    func path(_ shard: String) -> String { (directory + [Substring(shard)]).joined(separator: "/") }
    let fetchAgain = "Copy or fetch the index and its files again; they have to be of one version."
    switch fault {
    case .notJSON:
      self.init("'\(file)' is not an index of shards: it is not a JSON object.", fetchAgain, .badData)
    case .noMap:
      self.init("'\(file)' is not an index of shards: it has no object 'weight_map'.", fetchAgain, .badData)
    case .empty:
      self.init("'\(file)' names no tensors: its 'weight_map' is empty.", fetchAgain, .badData)
    case .badEntry(let tensor):
      self.init(
        "'\(file)', tensor '\(tensor)': its place is not the name of a file.", fetchAgain, .badData)
    case .repeated(let tensor):
      self.init("'\(file)' names '\(tensor)' twice.", fetchAgain, .badData)
    case .outside(let shard):
      self.init(
        "'\(file)' names the file '\(shard)', which is not in its directory.",
        "Put the shards beside the index, and name them without a directory.", .badData)
    case .missing(let shard):
      self.init(
        "There is no file '\(path(shard))', which '\(file)' names.",
        "Copy or fetch that file too: a model in shards needs all of them.", .noInput)
    case .twice(let tensor, let first, let second):
      self.init(
        "'\(file)', tensor '\(tensor)': it is in '\(first)' and in '\(second)'.", fetchAgain, .badData)
    case .absent(let tensor, let shard):
      self.init(
        "'\(path(shard))' has no tensor '\(tensor)', which '\(file)' looks for there.", fetchAgain,
        .badData)
    }
  }
}
