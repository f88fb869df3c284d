"""Load a model and save it again with plain transformers: the least that any cut must do."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a checkpoint directory")
    parser.add_argument("output", type=Path, help="the directory to write")
    arguments = parser.parse_args()

    import transformers

    config = json.loads((arguments.model / "config.json").read_text(encoding="utf-8"))
    model_class = getattr(transformers, config["architectures"][0])
    model_class.from_pretrained(arguments.model, dtype="auto").save_pretrained(arguments.output)
    for name in TOKENIZER_FILES:
        if (arguments.model / name).exists():
            shutil.copy(arguments.model / name, arguments.output)


if __name__ == "__main__":
    main()
