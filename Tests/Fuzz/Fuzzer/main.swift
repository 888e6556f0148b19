import Glibc

// libFuzzer with the target that FUZZ_TARGET names; everything else is libFuzzer's own (tools/fuzz).

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private let longestSeconds = 1.0

private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private let target: FuzzTarget = {
  let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
  guard let name = getenv("FUZZ_TARGET").map({ String(cString: $0) }), let target = FuzzTarget(rawValue: name)
  else {
    print("FUZZ_TARGET names one of: \(names)")
    exit(64)
  }
  return target
}()

if CommandLine.arguments.contains("--targets") {
  for target in FuzzTarget.allCases { print(target.rawValue, target.longestInput) }
  exit(0)
}
_ = target
var count = CommandLine.argc
var words = CommandLine.unsafeArgv
exit(
  runDriver(&count, &words) { bytes, size in
    // Of the processor's time: where others use the machine too, a clock on the wall tells nothing.
    let start = processorSeconds()
    target.run(UnsafeRawBufferPointer(start: bytes, count: size))
    let took = processorSeconds() - start
    if took > longestSeconds {
      print("ERROR: an input of \(size) bytes took \(took) seconds")
      abort()
    }
    return 0
  })
