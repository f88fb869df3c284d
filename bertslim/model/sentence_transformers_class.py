"""Which class of sentence-transformers runs a model, if one does."""

from __future__ import annotations

from pathlib import Path

from bertslim.file_names import SENTENCE_TRANSFORMERS_FILE
from bertslim.model.cross_encoder import read_activation
from bertslim.model.json_files import read_json_object
from bertslim.model.sentence_transformer import find_sentence_transformer

_EMBEDDER, _CROSS_ENCODER = "SentenceTransformer", "CrossEncoder"
# The heads, as `ModelFacts.head`, that each class makes use of.
_HEADS = {
    _EMBEDDER: ("",),
    "MultiVectorEncoder": ("",),
    "SparseEncoder": ("", "MaskedLM"),
    _CROSS_ENCODER: ("SequenceClassification",),
}
_OF_OTHER_PACKAGES = {"ColBERT": "MultiVectorEncoder"}  # PyLate's models are loaded by it, too


def sentence_transformers_class(directory: Path, head: str) -> str | None:
    """Return the class of sentence-transformers that runs a model, by what its files say.

    Args:
        directory: The model.
        head: What it ends in, as `ModelFacts.head`.

    Returns:
        Such as "CrossEncoder"; None: the files are not for a class that makes use of the head.

    Raises:
        ModelError: A file is damaged.
    """
    name = _class_of_files(directory)
    return name if name is not None and head in _HEADS.get(name, ()) else None


def _class_of_files(directory: Path) -> str | None:
    model = find_sentence_transformer(directory)
    if model is None:
        return _CROSS_ENCODER if read_activation(directory) else None
    path = model.root / SENTENCE_TRANSFORMERS_FILE
    named = read_json_object(path).get("model_type") if path.is_file() else None
    return _OF_OTHER_PACKAGES.get(str(named), str(named or _EMBEDDER))
