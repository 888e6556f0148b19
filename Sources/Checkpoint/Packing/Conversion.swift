internal import Base
internal import Foundation
internal import Glibc
internal import Kernels

/// Writes a packed file, tensor by tensor, using little memory. An interrupted conversion can be resumed.
///
/// The file grows under its name plus `.partial`, beside a journal of the complete tensors. At the end everything is
/// read back and compared, and only then is the file renamed.
package struct Conversion {
  /// What the conversion is doing.
  package enum Progress {
    case reading(done: Int, of: Int)
    case packing(done: Int, of: Int)
    case checking(done: Int, of: Int)
  }

  private let plan: ConversionPlan
  private let path: String
  private let output: OutputBytes
  private var journal: ConversionJournal
  /// Tensors that an earlier run had completed.
  package private(set) var resumed = 0

  // Bytes of blocks that are made at a time.
  private static let pieceBytes = 16 << 20

  /// - Parameter path: the file to make; an existing one is replaced at the end.
  package init(_ plan: ConversionPlan, to path: String) throws(CheckpointError) {
    self.plan = plan
    self.path = path
    journal = try ConversionJournal(path + ".progress", fingerprint: plan.fingerprint)
    output = try OutputBytes(path + ".partial", isNew: journal.isNew)
    resumed = journal.done.count
    try checkSpace()
  }

  private func checkSpace() throws(CheckpointError) {
    var status = statvfs()
    guard statvfs(FileSystem.bytes(of: path + ".partial"), &status) == 0 else { return }
    let available = Int(status.f_bavail) * Int(status.f_frsize)
    let needed = plan.byteCount - output.byteCount
    guard needed <= available else { throw .noSpace(file: path, needed: needed, available: available) }
  }

  /// Runs the conversion.
  ///
  /// - Parameter progress: called often; returning false stops, and finished work is kept.
  /// - Returns: the card, or nil if the conversion was stopped.
  package mutating func run(
    _ progress: (Progress) -> Bool
  ) throws(CheckpointError) -> PackedCard? {
    guard let digest = try sourceDigest(progress) else { return nil }
    // Digests and errors have fixed widths, so the header's length is known beforehand.
    let start = header(card(digest)).count
    let total = plan.byteCount
    var done = 0
    for item in plan.items {
      if journal.done[item.name] == nil {
        guard try write(item, start: start, { progress(.packing(done: done + $0, of: total)) }) else {
          return nil
        }
      }
      done += item.byteCount
    }
    let card = card(digest)
    try output.write(header(card), at: 0)
    try output.sync()
    guard try verify(start: start, progress) else { return nil }
    let code = FileSystem.move(path + ".partial", to: path)
    guard code == 0 else { throw .cannotWrite(file: path, code: code) }
    journal.remove()
    return card
  }

  private mutating func sourceDigest(_ progress: (Progress) -> Bool) throws(CheckpointError) -> String? {
    if let digest = journal.sourceDigest { return digest }
    let total = plan.source.file.byteCount
    guard let text = plan.source.file.digest({ progress(.reading(done: $0, of: total)) }) else { return nil }
    try journal.note(sourceDigest: text)
    return text
  }

  private mutating func write(
    _ item: ConversionPlan.Item, start: Int, _ progress: (Int) -> Bool
  ) throws(CheckpointError) -> Bool {
    let digest = Digest()
    var loss = PackedPart.Loss()
    var offset = start + item.offset
    var isStopped = false
    func put(_ bytes: UnsafeRawBufferPointer, _ digest: borrowing Digest) throws(CheckpointError) {
      digest.update(bytes)
      try output.write(bytes, at: offset)
      offset += bytes.count
      isStopped = !progress(offset - start - item.offset)
    }
    if let bits = item.bits {
      for part in 0..<item.parts where !isStopped {
        let part = PackedPart(
          tensor: item.tensor, rows: item.rowsPerPart, columns: item.columns,
          rowOffset: part * item.rowsPerPart,
          bits: bits)
        let step = max(Self.pieceBytes / part.panelBytes, 1)
        let buffer = FloatStorage(count: (min(step, part.panels) * part.panelBytes + 3) / 4)
        for first in stride(from: 0, to: part.panels, by: step) where !isStopped {
          let panels = first..<min(first + step, part.panels)
          let piece = part.pack(panels, into: UnsafeMutableRawPointer(buffer.base), measured: true)
          guard piece.isFinite else { throw .notFinite(file: plan.source.path, tensor: item.name) }
          loss += piece
          try put(UnsafeRawBufferPointer(start: buffer.base, count: panels.count * part.panelBytes), digest)
          let rows = panels.lowerBound * 16..<min(panels.upperBound * 16, part.rows)
          item.tensor.file.release(
            item.tensor.bytes(rows: part.rowOffset + rows.lowerBound, rows.count, of: item.rows))
        }
      }
    } else if case .plain = item.tensor.form {
      for first in stride(from: 0, to: item.byteCount, by: Self.pieceBytes) where !isStopped {
        let piece = UnsafeRawBufferPointer(
          rebasing: item.tensor.bytes[first..<min(first + Self.pieceBytes, item.byteCount)])
        try put(piece, digest)
        item.tensor.file.release(piece)
      }
    } else {
      let step = max(Self.pieceBytes / (item.columns * 4), 1)
      for first in stride(from: 0, to: item.rows, by: step) where !isStopped {
        let rows = min(step, item.rows - first)
        let widened = FloatStorage(count: rows * item.columns)
        for row in 0..<rows {
          item.tensor.read(row: first + row, item.columns, into: widened.base + row * item.columns)
        }
        try put(UnsafeRawBufferPointer(start: widened.base, count: rows * item.columns * 4), digest)
        item.tensor.file.release(item.tensor.bytes(rows: first, rows, of: item.rows))
      }
    }
    if isStopped { return false }
    try journal.note(
      item.name, ConversionJournal.Done(sha256: digest.finish(), error: String(format: "%.3e", loss.relative))
    )
    return true
  }

  private func verify(start: Int, _ progress: (Progress) -> Bool) throws(CheckpointError) -> Bool {
    var done = 0
    for item in plan.items {
      let digest = Digest()
      for first in stride(from: 0, to: item.byteCount, by: Self.pieceBytes) {
        let count = min(Self.pieceBytes, item.byteCount - first)
        try output.read(at: start + item.offset + first, count: count) { digest.update($0) }
        guard progress(.checking(done: done + first + count, of: plan.byteCount)) else { return false }
      }
      done += item.byteCount
      guard digest.finish() == journal.done[item.name]?.sha256 else {
        // The file cannot be trusted, so the next run starts over.
        journal.remove()
        throw .readsBackWrong(file: path, tensor: item.name)
      }
    }
    return true
  }

  /// The card with what is known so far; unknown values have their final width.
  private func card(_ sourceDigest: String) -> PackedCard {
    var tensors: [String: PackedCard.Tensor] = [:]
    for item in plan.items {
      guard let bits = item.bits else { continue }
      let done = journal.done[item.name] ?? .unknown
      tensors[item.name] = PackedCard.Tensor(
        bits: bits, shape: [item.rows, item.columns], parts: item.parts, error: done.error,
        sha256: done.sha256)
    }
    return PackedCard(
      source: String(plan.source.path.split(separator: "/").last ?? ""), sourceDigest: sourceDigest,
      bits: plan.bits, kept: plan.kept, tensors: tensors)
  }

  /// The beginning of the file, a multiple of 64 bytes, so that the blocks are aligned to cache lines.
  private func header(_ card: PackedCard) -> [UInt8] {
    SafetensorsHeader(
      tensors: plan.items.map { ($0.name, $0.type, $0.shape) }, metadata: card.metadata
    ).bytes(alignment: 64)
  }
}
