import Checkpoint
import Glibc

@testable import antiphon

extension ErrorTable {
  static let checkpoint: [(any Error, String)] = [
    (
      CheckpointError.notFound(file: "model.safetensors"),
      "the name is misspelt, or the model was never copied here"
    ),
    (CheckpointError.isDirectory(file: "models/moshika"), "a directory stands where a file is expected"),
    (
      CheckpointError.notDirectory(file: "model.safetensors"),
      "a file stands where a model directory is expected"
    ),
    (CheckpointError.unreadable(file: "model.safetensors", code: EACCES), "the file's permissions, mostly"),
    (
      CheckpointError.cannotWrite(file: "speech.codes", code: ENOSPC),
      "the disk is full, or the directory is not there"
    ),
    (
      CheckpointError.truncated(file: "model.safetensors", expected: 15_362_101_080, found: 4_294_967_296),
      "a download or copy that was interrupted"
    ),
    (CheckpointError.badHeader(file: "model.bin", fault: .tooShort), "another format, or an empty file"),
    (
      CheckpointError.badHeader(file: "model.bin", fault: .lengthOutOfRange(7_000_000_000)),
      "another format: its first bytes read as a length"
    ),
    (CheckpointError.badHeader(file: "model.bin", fault: .notJSON), "another format, or a damaged file"),
    (
      CheckpointError.badHeader(file: "model.bin", fault: .badEntry(tensor: "emb.0.weight")),
      "a damaged file, or one that another program wrote wrongly"
    ),
    (
      CheckpointError.badHeader(file: "model.safetensors", fault: .repeated(tensor: "emb.0.weight")),
      "the header was edited: which of the two is meant cannot be known"
    ),
    (
      CheckpointError.unknownType(file: "model.safetensors", tensor: "emb.0.weight", found: "F8_E4M3"),
      "a kind of numbers that this version does not read"
    ),
    (
      CheckpointError.wrongSize(
        file: "model.safetensors", tensor: "emb.0.weight", expected: 4096, found: 4000),
      "a damaged file"
    ),
    (
      CheckpointError.outOfRange(
        file: "model.safetensors", tensor: "emb.0.weight", begin: 1000, end: 5096, size: 2000),
      "a damaged or cut file"
    ),
    (
      CheckpointError.overlap(file: "model.safetensors", tensor: "emb.0.weight", other: "emb.1.weight"),
      "a damaged file"
    ),
    (
      CheckpointError.missingTensor(file: "model.safetensors", tensor: "out_norm.alpha", present: 412),
      "the file of another model, or a part of one"
    ),
    (
      CheckpointError.wrongShape(
        file: "model.safetensors", tensor: "text_emb.weight", expected: [32001, 4096], found: [48001, 2048]),
      "config.json describes another model"
    ),
    (
      CheckpointError.wrongType(file: "speech.codes", tensor: "codes", expected: "I32", found: "F32"),
      "the file of another program"
    ),
    (
      CheckpointError.notFinite(file: "model.safetensors", tensor: "text_linear.weight"),
      "a damaged file, or training that went wrong"
    ),
    (
      CheckpointError.badField(
        file: "config.json", field: "dim", expected: "an integer from 1 to 65536", found: "-1"),
      "config.json was edited, or is of another program"
    ),
    (
      CheckpointError.badArgument(
        file: "codec.safetensors", name: "codebooks", expected: "a number from 1", found: "0"),
      "a program gave the library a value that is out of range"
    ),
    (
      CheckpointError.unsupported(file: "config.json", field: "model_type", found: "parrot"),
      "a model of a kind that this version has no code for"
    ),
    (
      CheckpointError.badIndex(file: "model.safetensors.index.json", fault: .notJSON),
      "another file under the index's name, or a download that was interrupted"
    ),
    (
      CheckpointError.badIndex(file: "model.safetensors.index.json", fault: .noMap),
      "the index of another program"
    ),
    (
      CheckpointError.badIndex(file: "model.safetensors.index.json", fault: .empty),
      "a program that failed while it wrote the model"
    ),
    (
      CheckpointError.badIndex(
        file: "model.safetensors.index.json", fault: .badEntry(tensor: "emb.0.weight")),
      "the index was edited, or is of another program"
    ),
    (
      CheckpointError.badIndex(
        file: "model.safetensors.index.json", fault: .repeated(tensor: "emb.0.weight")),
      "the index was edited: which of the two is meant cannot be known"
    ),
    (
      CheckpointError.badIndex(
        file: "model.safetensors.index.json", fault: .outside(shard: "../other/model.safetensors")),
      "the index was edited, or wants to read what is none of its business"
    ),
    (
      CheckpointError.badIndex(
        file: "models/moshika/model.safetensors.index.json",
        fault: .missing(shard: "model-00002-of-00004.safetensors")),
      "not all files of the model were copied"
    ),
    (
      CheckpointError.badIndex(
        file: "model.safetensors.index.json",
        fault: .twice(
          tensor: "emb.0.weight", first: "model-00001-of-00004.safetensors",
          second: "model-00002-of-00004.safetensors")),
      "files of two versions of the model were mixed"
    ),
    (
      CheckpointError.badIndex(
        file: "model.safetensors.index.json",
        fault: .absent(tensor: "emb.0.weight", shard: "model-00001-of-00004.safetensors")),
      "files of two versions of the model were mixed"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .tooShort),
      "a download or copy that was interrupted"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .version(1)), "a file of an old or a new program"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .badEntry("emb.0.weight")),
      "a damaged file, or one that another program wrote wrongly"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .repeated("emb.0.weight")),
      "a damaged file, or one that another program wrote wrongly"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .alignment("12")),
      "a damaged file, or one that another program wrote wrongly"
    ),
    (
      CheckpointError.badGGUF(file: "model.q8.gguf", fault: .bigEndian),
      "a file that was made for a mainframe"
    ),
    (
      CheckpointError.badGGUF(file: "model-00001-of-00003.gguf", fault: .split(3)),
      "a model that was published in several files"
    ),
    (
      CheckpointError.packedVersion(file: "model.safetensors", found: "2", known: 1),
      "another version of this program packed it"
    ),
    (
      CheckpointError.alreadyPacked(file: "model.safetensors"),
      "a packed model was named where one with all its numbers is needed"
    ),
    (
      CheckpointError.cannotQuantize(
        file: "model.safetensors", tensor: "text_linear.weight", bits: 4, inputs: 24),
      "--keep names a matrix whose rows do not fill blocks"
    ),
    (
      CheckpointError.nothingNamed(file: "model.safetensors", name: "text"),
      "--keep has a name that is misspelt, or of another model"
    ),
    (
      CheckpointError.noSpace(file: "q4/model.safetensors", needed: 4_800_000_000, available: 1_200_000_000),
      "the disk is too full for the packed model"
    ),
    (
      CheckpointError.readsBackWrong(file: "q4/model.safetensors", tensor: "text_linear.weight"),
      "the disk or the memory fails, or another program wrote to the file"
    ),
  ]
}
