internal import Checkpoint
internal import Foundation

/// What a codec file says about itself; what it does not say is Mimi's.
public struct CodecConfiguration: Sendable, Equatable {
  /// The two kinds of network around the quantizer.
  public enum Architecture: String, Sendable {
    /// SEANet convolutions on samples (Mimi).
    case mimi
    /// ConvNeXt blocks on short-time spectra.
    case spectral
  }

  public let architecture: Architecture
  /// Samples per second, one channel.
  public let sampleRate: Int
  /// Samples that become one code of every codebook.
  public internal(set) var samplesPerFrame: Int
  /// Codebooks in the file.
  public internal(set) var availableCodebooks = 0
  /// Codebooks in use: the first ones.
  public internal(set) var codebooks = 0
  /// Entries of a codebook.
  public internal(set) var cardinality = 0
  /// Attention heads of both transformers.
  let heads: Int
  /// Positions a transformer sees.
  let context: Int
  let maxPeriod: Double
  /// All fields of the file's own description.
  let fields: CodecFields

  init(_ file: Safetensors) throws(CheckpointError) {
    fields = try CodecFields(file)
    let name = try fields.string("architecture", default: "mimi")
    guard let architecture = Architecture(rawValue: name) else {
      throw .unsupported(file: file.path, field: "architecture", found: name)
    }
    self.architecture = architecture
    sampleRate = try fields.integer("sample_rate", default: 24000, 8000...192_000)
    samplesPerFrame = try fields.integer("samples_per_frame", default: 1920, 1...96000)
    heads = try fields.integer("num_heads", default: 8, 1...256)
    context = try fields.integer("context", default: 250, 1...100_000)
    maxPeriod = try fields.number("max_period", default: 10000)
  }
}

/// The JSON object under the metadata key `codec` of a codec file: a public Mimi file has none.
struct CodecFields: Sendable, Equatable {
  private let path: String
  private let json: String
  private let numbers: [String: Double]
  private let strings: [String: String]

  init(_ file: Safetensors) throws(CheckpointError) {
    path = file.path
    json = file.metadata["codec"] ?? "{}"
    guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else {
      throw .badField(file: file.path, field: "codec", expected: "a JSON object", found: String(json.prefix(40)))
    }
    numbers = object.compactMapValues { ($0 as? NSNumber)?.doubleValue }
    strings = object.compactMapValues { $0 as? String }
  }

  func string(_ name: String, default value: String) throws(CheckpointError) -> String {
    guard numbers[name] == nil else {
      throw .badField(file: path, field: "codec.\(name)", expected: "a string", found: "\(numbers[name]!)")
    }
    return strings[name] ?? value
  }

  /// - Parameter value: used where the field is absent; nil makes the field required.
  func number(_ name: String, default value: Double?) throws(CheckpointError) -> Double {
    if let string = strings[name] {
      throw .badField(file: path, field: "codec.\(name)", expected: "a number", found: string)
    }
    guard let number = numbers[name] ?? value else {
      throw .badField(file: path, field: "codec.\(name)", expected: "a number", found: "nothing")
    }
    return number
  }

  func integer(_ name: String, default value: Int? = nil, _ range: ClosedRange<Int>) throws(CheckpointError) -> Int {
    let number = try number(name, default: value.map(Double.init))
    guard number.rounded() == number, Double(range.lowerBound)...Double(range.upperBound) ~= number else {
      throw .badField(
        file: path, field: "codec.\(name)", expected: "an integer from \(range.lowerBound) to \(range.upperBound)",
        found: "\(number)")
    }
    return Int(number)
  }
}
