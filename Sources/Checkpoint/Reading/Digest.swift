internal import CCrypto

/// SHA-256 of bytes that come in pieces.
struct Digest: ~Copyable {
  private let context = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { EVP_MD_CTX_free(context) }

  borrowing func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// 64 hexadecimal digits; nothing may be added after.
  consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &count)
    let digits = Array("0123456789abcdef")
    return String(digest.prefix(Int(count)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension MappedFile {
  /// SHA-256 of the whole file, as 64 hexadecimal digits; reads all of it, and keeps none of it in memory.
  package var digest: String {
    let digest = Digest()
    let piece = 32 << 20
    for start in stride(from: 0, to: bytes.count, by: piece) {
      let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)])
      digest.update(part)
      release(part)
    }
    return digest.finish()
  }
}

extension Safetensors {
  /// SHA-256 of the whole file, as 64 hexadecimal digits; reads all of it.
  public var digest: String { file.digest }
}
