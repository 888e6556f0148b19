internal import CCrypto

extension Safetensors {
  /// SHA-256 of the whole file, as 64 hexadecimal digits; reads all of it.
  public var digest: String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    SHA256(file.bytes.bindMemory(to: UInt8.self).baseAddress, file.bytes.count, &digest)
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
