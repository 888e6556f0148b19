internal import Base
internal import Foundation

/// The index of a model whose tensors are spread over several safetensors files: which tensor is in which file.
package struct ShardIndex {
  package let file: MappedFile
  /// A tensor's name -> the name of its file, relative to the index.
  let places: [String: String]
  /// The files, each once, in the order of their names' bytes.
  package let shards: [String]

  private static let suffix = ".index.json"
  // The same limit as for the header of a single file.
  private static let longest = 100_000_000

  /// The index that a path refers to: the path itself if it is an index, or `PATH.index.json` if there is no file PATH.
  package static func path(of path: String) -> String? {
    if path.hasSuffix(suffix) { return path }
    guard !FileSystem.exists(path), FileSystem.exists(path + suffix) else { return nil }
    return path + suffix
  }

  package init(_ file: MappedFile) throws(CheckpointError) {
    func bad(_ fault: CheckpointError.IndexFault) -> CheckpointError {
      .badIndex(file: file.path, fault: fault)
    }
    guard file.bytes.count <= Self.longest,
      let json = try? JSONSerialization.jsonObject(with: Data(file.bytes)) as? [String: Any]
    else { throw bad(.notJSON) }
    guard let map = json["weight_map"] as? [String: Any] else { throw bad(.noMap) }
    guard !map.isEmpty else { throw bad(.empty) }
    for depth in 1...2 {
      if let key = JSONKeys.repeated(in: file.bytes, depth: depth) { throw bad(.repeated(tensor: key)) }
    }
    var places: [String: String] = [:]
    for tensor in map.keys.sorted() {
      guard let shard = map[tensor] as? String else { throw bad(.badEntry(tensor: tensor)) }
      guard Self.isInside(shard) else { throw bad(.outside(shard: shard)) }
      places[tensor] = shard
    }
    self.file = file
    self.places = places
    shards = Set(places.values).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether a name leads to a file below the index. Symbolic links may lead elsewhere: model caches are made of them.
  private static func isInside(_ shard: String) -> Bool {
    !shard.isEmpty && !shard.utf8.contains(0) && !shard.hasPrefix("/")
      && shard.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".."
      }
  }

  /// The path of a shard.
  package func path(ofShard shard: String) -> String {
    let directory = file.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return (directory + [Substring(shard)]).joined(separator: "/")
  }
}

extension Safetensors {
  /// Whether the file exists, or an index of shards in its place.
  package static func isThere(_ path: String) -> Bool {
    FileSystem.exists(path) || ShardIndex.path(of: path) != nil
  }

  /// The files that make up a model's file: itself, or its index and shards.
  package static func parts(of path: String) throws(CheckpointError) -> [String] {
    guard let index = ShardIndex.path(of: path) else { return [path] }
    let shards = try ShardIndex(MappedFile(index))
    return [index] + shards.shards.map { shards.path(ofShard: $0) }
  }

  /// Reads a model in shards.
  ///
  /// - Parameter open: opens a shard by the name that the index gives it; nil if there is none.
  package convenience init(
    _ index: ShardIndex, open: (String) throws(CheckpointError) -> MappedFile?
  ) throws(CheckpointError) {
    func bad(_ fault: CheckpointError.IndexFault) -> CheckpointError {
      .badIndex(file: index.file.path, fault: fault)
    }
    var entries: [String: Entry] = [:]
    var metadata = Metadata()
    var files = [index.file]
    var found: [String: String] = [:]
    for shard in index.shards {
      guard let file = try open(shard) else { throw bad(.missing(shard: shard)) }
      let part = try Safetensors(file)
      for (name, entry) in part.entries where index.places[name] != nil {
        if let first = found.updateValue(shard, forKey: name) {
          throw bad(.twice(tensor: name, first: first, second: shard))
        }
        entries[name] = entry
      }
      // Where the metadata of two shards differ, the first one counts.
      metadata.merge(part.strings)
      files.append(file)
    }
    for (name, shard) in index.places.sorted(by: { $0.key < $1.key }) where found[name] != shard {
      throw bad(.absent(tensor: name, shard: shard))
    }
    self.init(
      path: index.file.path, entries: entries, metadata: metadata, files: WeightFiles(files: files))
  }

  convenience init(shardsOf path: String) throws(CheckpointError) {
    let index = try ShardIndex(MappedFile(path))
    try self.init(index) { shard throws(CheckpointError) in
      do throws(CheckpointError) {
        return try MappedFile(index.path(ofShard: shard))
      } catch {
        if case .notFound = error { return nil }
        throw error
      }
    }
  }
}
