"""Makes a model of llama's layout with weights of no meaning, for llama-bench.

    ggml_model.py OUT TYPE WIDTH LAYERS HEADS HIDDEN TOKENS

TYPE is q4_0 or q8_0. The layers share the content of equal matrices, not the bytes: every one is in the file.
"""

import sys

import gguf
import numpy as np

BLOCK_BYTES = {"q4_0": 18, "q8_0": 34}
FILE_TYPE = {"q4_0": 2, "q8_0": 7}


def main(path: str, kind: str, width: int, layers: int, heads: int, hidden: int, tokens: int) -> None:
    random = np.random.default_rng(0)
    made: dict[tuple[int, int], np.ndarray] = {}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-8)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(tokens)
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(FILE_TYPE[kind])

    def matrix(name: str, rows: int, columns: int) -> None:
        if (rows, columns) not in made:
            few = min(rows, 256)
            blocks = random.integers(0, 256, (few, columns // 32, BLOCK_BYTES[kind]), dtype=np.uint8)
            scale = np.array([0.004 if kind == "q4_0" else 0.0003], np.float16).view(np.uint8)
            blocks[:, :, :2] = scale
            made[rows, columns] = np.resize(blocks.reshape(few, -1), (rows, columns // 32 * BLOCK_BYTES[kind]))
        writer.add_tensor(name, made[rows, columns], raw_dtype=gguf.GGMLQuantizationType[kind.upper()])

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(width, np.float32))

    matrix("token_embd.weight", tokens, width)
    norm("output_norm.weight")
    matrix("output.weight", tokens, width)
    for index in range(layers):
        layer = f"blk.{index}."
        norm(layer + "attn_norm.weight")
        norm(layer + "ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"{layer}{part}.weight", width, width)
        matrix(layer + "ffn_gate.weight", hidden, width)
        matrix(layer + "ffn_up.weight", hidden, width)
        matrix(layer + "ffn_down.weight", width, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
