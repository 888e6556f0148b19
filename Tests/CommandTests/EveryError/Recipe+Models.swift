extension Recipe {
  private static let inspect = "$antiphon inspect model.bin"
  private static let entry = #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

  static let checkpoint = [
    Recipe("There is no file 'model.safetensors'.", "$antiphon inspect model.safetensors"),
    Recipe(
      "'models/moshika' is a directory, not a file.",
      "mkdir -p models/moshika; codec=models/moshika encode a.codes"),
    Recipe(
      "'model.safetensors' is not a directory.",
      "echo >model.safetensors; $antiphon respond in.wav a.wav --model model.safetensors"),
    Recipe(
      "'model.safetensors' cannot be read: Permission denied.",
      "failing open model.safetensors $EACCES $antiphon inspect $model/model.safetensors"),
    Recipe(
      "'speech.codes' cannot be written: No space left on device.",
      "failing write speech.codes $ENOSPC $antiphon encode in.wav speech.codes --codec $codec"),
    Recipe(
      "'model.safetensors' is cut off: 15362101080 bytes are promised, and it has 4294967296.",
      "head -c 50000 $codec >model.safetensors; $antiphon inspect model.safetensors"),
    Recipe(
      "'model.bin' is not a safetensors file: it is shorter than a header.", "printf x >model.bin; \(inspect)"
    ),
    Recipe(
      "'model.bin' is not a safetensors file: its header would be 7000000000 bytes long.",
      "u64 7000000000 >model.bin; \(inspect)"),
    Recipe(
      "'model.bin' is not a safetensors file: its header is not JSON.", "tensors Dear >model.bin; \(inspect)"),
    Recipe(
      "'model.bin' is not a safetensors file: the header's entry 'emb.0.weight' is malformed.",
      #"tensors '{"emb.0.weight":1}' >model.bin; "# + inspect),
    Recipe(
      "'model.safetensors' is not a safetensors file: the header names 'emb.0.weight' twice.",
      "tensors '{\"emb.0.weight\":\(entry),\"emb.0.weight\":\(entry)}' 8 >model.bin; \(inspect)"),
    Recipe(
      "'model.safetensors', tensor 'emb.0.weight': the type 'F8_E4M3' is not supported.",
      "cp $codec c; edit c 's/\"F32\"/\"F99\"/'; $antiphon encode in.wav a.codes --codec c"),
    Recipe(
      "'model.safetensors', tensor 'emb.0.weight': its shape needs 4096 bytes, and it has 4000.",
      #"tensors '{"emb.0.weight":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}' 8 >model.bin; "# + inspect
    ),
    Recipe(
      "'model.safetensors', tensor 'emb.0.weight': it lies from byte 1000 to 5096, and there are 2000.",
      #"tensors '{"emb.0.weight":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}' 8 >model.bin; "# + inspect
    ),
    Recipe(
      "'model.safetensors': the tensors 'emb.0.weight' and 'emb.1.weight' overlap.",
      "tensors '{\"emb.0.weight\":\(entry),\"emb.1.weight\":\(entry)}' 8 >model.bin; \(inspect)"),
    Recipe(
      "'model.safetensors' has no tensor 'out_norm.alpha' (it has 412).",
      "cp -r $model m; edit m/model.safetensors 's/out_norm.alpha/out_norm.alphA/'; \(answer)"),
    Recipe(
      "'model.safetensors', tensor 'text_emb.weight': the shape [32001, 4096] is expected, and it is [48001, 2048].",
      "cp -r $model m; edit m/config.json 's/\"dim\": 16/\"dim\": 32/'; \(answer)"),
    Recipe(
      "'speech.codes', tensor 'codes': the type I32 is expected, and it is F32.",
      "codes 8 1 >speech.codes; edit speech.codes 's/I32/F32/'; $antiphon decode speech.codes a.wav --codec $codec"
    ),
    Recipe(
      "'model.safetensors', tensor 'text_linear.weight': there are values that are not numbers.",
      """
      cp $codec c; size=$(stat -c %s c)
      head -c 60000 /dev/zero | tr '\\0' '\\377' | dd of=c bs=60000 seek=$((size - 60000)) oflag=seek_bytes conv=notrunc status=none
      $antiphon encode in.wav a.codes --codec c
      """),
    Recipe(
      "'config.json', field 'dim': an integer from 1 to 65536 is expected, and it is -1.",
      "cp -r $model m; edit m/config.json 's/\"dim\": 16/\"dim\": -1/'; \(answer)"),
    Recipe(
      "'codebooks' is 0 for 'codec.safetensors', and it takes a number from 1.",
      "$antiphon trace codec $codec in.safetensors out.safetensors --codebooks 0"),
    Recipe(
      "'config.json' asks for model_type 'parrot', which this version does not support.",
      "cp -r $model m; edit m/config.json 's/\"moshi\"/\"parrot\"/'; \(answer)"),
  ]

  private static let inspectIndex = "$antiphon inspect model.safetensors.index.json"
  private static let (first, second) = (
    "model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors"
  )

  static let shards = [
    Recipe(
      "'model.safetensors.index.json' is not an index of shards: it is not a JSON object.",
      "index 'Dear diary'; \(inspectIndex)"),
    Recipe(
      "'model.safetensors.index.json' is not an index of shards: it has no object 'weight_map'.",
      "index '{}'; \(inspectIndex)"),
    Recipe(
      "'model.safetensors.index.json' names no tensors: its 'weight_map' is empty.",
      #"index '{"weight_map":{}}'; "# + inspectIndex),
    Recipe(
      "'model.safetensors.index.json', tensor 'emb.0.weight': its place is not the name of a file.",
      #"index '{"weight_map":{"emb.0.weight":1}}'; "# + inspectIndex),
    Recipe(
      "'model.safetensors.index.json' names 'emb.0.weight' twice.",
      "index '{\"weight_map\":{\"emb.0.weight\":\"\(first)\",\"emb.0.weight\":\"\(second)\"}}'; \(inspectIndex)"
    ),
    Recipe(
      "'model.safetensors.index.json' names the file '../other/model.safetensors', which is not in its directory.",
      #"index '{"weight_map":{"emb.0.weight":"../other/model.safetensors"}}'; "# + inspectIndex),
    Recipe(
      "There is no file 'models/moshika/model-00002-of-00004.safetensors', which 'models/moshika/model.safetensors.index.json' names.",
      "index '{\"weight_map\":{\"emb.0.weight\":\"\(second)\"}}'; rm \(second); \(inspectIndex)"),
    Recipe(
      "'model.safetensors.index.json', tensor 'emb.0.weight': it is in 'model-00001-of-00004.safetensors' and in 'model-00002-of-00004.safetensors'.",
      """
      index '{"weight_map":{"emb.0.weight":"\(first)","b":"\(second)"}}'
      for shard in \(first) \(second); do tensors '{"emb.0.weight":\(entry)}' 8 >$shard; done; \(inspectIndex)
      """),
    Recipe(
      "'model-00001-of-00004.safetensors' has no tensor 'emb.0.weight', which 'model.safetensors.index.json' looks for there.",
      "index '{\"weight_map\":{\"emb.0.weight\":\"\(first)\"}}'; \(inspectIndex)"),
  ]

  private static let inspectGGUF = "$antiphon inspect model.q8.gguf"
  /// One tensor of 32 numbers in F32, whose name follows.
  private static func gguf(_ name: String) -> String { "text \(name); u32 1; u64 32; u32 0; u64 0;" }

  static let packing = [
    Recipe(
      "'model.q8.gguf' is not a GGUF file that can be read: it ends inside its header.",
      "(printf GGUF; u32 3; u64 1) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model.q8.gguf' is not a GGUF file that can be read: its version is 1, not 2 or 3.",
      "(printf GGUF; u32 1; u64 0 0) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model.q8.gguf' is not a GGUF file that can be read: the header's entry 'emb.0.weight' is malformed.",
      "(printf GGUF; u32 3; u64 1 0; text emb.0.weight; u32 99) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model.q8.gguf' is not a GGUF file that can be read: the header names 'emb.0.weight' twice.",
      "(printf GGUF; u32 3; u64 2 0; \(gguf("emb.0.weight") + gguf("emb.0.weight")) head -c 320 /dev/zero) >model.q8.gguf; \(inspectGGUF)"
    ),
    Recipe(
      "'model.q8.gguf' is not a GGUF file that can be read: general.alignment must be a multiple of 8 above 0, and is 12.",
      "(printf GGUF; u32 3; u64 0 1; text general.alignment; u32 4 12) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model.q8.gguf' is a GGUF file for machines that store the highest byte first.",
      "(printf 'GGUF\\0\\0\\0\\3'; u64 0 0) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model-00001-of-00003.gguf' is one of 3 files that are one model in GGUF.",
      "(printf GGUF; u32 3; u64 0 1; text split.count; u32 2; u16 3) >model.q8.gguf; \(inspectGGUF)"),
    Recipe(
      "'model.safetensors' is packed in format 2, and this version reads 1.",
      #"tensors '{"__metadata__":{"antiphon_packed":"2"}}' >model.bin; "# + inspect),
    Recipe(
      "'model.safetensors' is packed already.",
      "$antiphon convert $golden/tiny-quantized/plain q --bits 8 >&2; $antiphon convert q again --bits 8"),
    Recipe(
      "'model.safetensors', tensor 'text_linear.weight': rows of 24 numbers cannot be stored in 4 bits, which takes multiples of 32 up to 32768.",
      "$antiphon convert $model q --bits 8 --keep text_linear=4"),
    Recipe(
      "'model.safetensors' has no matrix whose name is 'text' or begins so.",
      "$antiphon convert $model q --bits 8 --keep nothing=16"),
    Recipe(
      "'q4/model.safetensors' takes 4.8 GB more, and the disk has 1.2 GB left.",
      "failing full . 0 $antiphon convert $model q4 --bits 8"),
    Recipe(
      "'q4/model.safetensors', tensor 'text_linear.weight': what was written does not read back the same.",
      "failing corrupt q4/model.safetensors 0 $antiphon convert $model q4 --bits 8"),
  ]
}
