"""The mean of two files of weights, tensor by tensor.

    mean.py BEFORE AFTER OUT [--share 0.5] [--of-first PARTS] [--of-last PARTS]

BEFORE has that share of the mean. PARTS are beginnings of names, with commas: such tensors are taken whole, and so is what AFTER alone
has. Header and kinds of numbers are those of AFTER. So the depth transformer, which speaks and does not listen, can be that of the
last run (`--of-last depformer,linears`), and a codec can get its decoder from another (`--of-first decoder,quantizer`).
"""
import argparse


def mean(before, after, out, share=0.5, of_first=(), of_last=()):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
    old = load_file(str(before))
    with safe_open(str(after), "pt") as file:
        new, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()

    def joined(name, tensor):
        if name.startswith(tuple(of_last)) or name not in old:
            return tensor
        if name.startswith(tuple(of_first)):
            return old[name]
        return (share * old[name].float() + (1 - share) * tensor.float()).to(tensor.dtype)

    save_file({name: joined(name, tensor) for name, tensor in new.items()}, str(out), metadata=metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("before", "after", "out"):
        parser.add_argument(name)
    parser.add_argument("--share", type=float, default=0.5, help="of BEFORE")
    parts = lambda text: text.split(",")
    parser.add_argument("--of-first", type=parts, default=[], metavar="PARTS", help="taken from BEFORE alone")
    parser.add_argument("--of-last", type=parts, default=[], metavar="PARTS", help="taken from AFTER alone")
    arguments = parser.parse_args()
    mean(**vars(arguments))


if __name__ == "__main__":
    main()
