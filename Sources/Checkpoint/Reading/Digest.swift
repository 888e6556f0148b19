internal import CCrypto

/// SHA-256 of bytes that arrive in pieces.
struct Digest: ~Copyable {
  private let context = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { EVP_MD_CTX_free(context) }

  borrowing func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// 64 hexadecimal digits; nothing may be added afterwards.
  consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &count)
    let digits = Array("0123456789abcdef")
    return String(digest.prefix(Int(count)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension Safetensors {
  /// SHA-256 of the whole file, as 64 hexadecimal digits; reads all of it. For a model in shards, that of the index and
  /// then the shards, concatenated in the order of the shards' names.
  public var digest: String { files.digest }
}
