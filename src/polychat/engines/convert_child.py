"""The process that llama.cpp's converter runs in: its script from a path, or the installed package.

`python -m polychat.engines.convert_child SCRIPT PRE_TOKENIZER FOLDER OPTION…`; an empty SCRIPT is the
package, an empty PRE_TOKENIZER leaves that to the converter. Ends with standard input.
"""

import json
import os
import sys
from pathlib import Path

from polychat import lifeline


def main() -> None:
    """Run the converter's own command line."""
    lifeline.hold(on_cut=lambda: os._exit(1))
    script, pre_tokenizer, *arguments = sys.argv[1:]
    if script:
        folder = Path(script).resolve().parent
        sys.path[:0] = [str(folder), str(folder / "gguf-py")]  # as where llama.cpp's script is run
    sys.argv = ["convert_hf_to_gguf", *arguments]
    import convert_hf_to_gguf

    if pre_tokenizer:
        _name_pre_tokenizer(pre_tokenizer, Path(arguments[0]))
    convert_hf_to_gguf.main()


def _name_pre_tokenizer(name: str, folder: Path) -> None:
    """Register the model's converter anew with an answer to the question it cannot answer."""
    from conversion import ModelBase, get_model_class

    architecture = json.loads((folder / "config.json").read_bytes())["architectures"][0]
    known = get_model_class(architecture)
    members = {"model_arch": known.model_arch, "get_vocab_base_pre": lambda self, tokenizer: name}
    ModelBase.register(architecture)(type(known.__name__, (known,), members))


if __name__ == "__main__":
    main()
