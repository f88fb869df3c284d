"""Load the tokenizer of a checkpoint, base or slim, as its users get it."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertslim.errors import ModelError
from bertslim.file_names import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from bertslim.model.checkpoint_files import read_config
from bertslim.model.config_facts import family_of
from bertslim.model.sentence_transformer import (
    TransformerSettings,
    find_sentence_transformer,
    read_transformer_settings,
)
from bertslim.model.token_ids import check_token_ids, drop_token_types_beyond, read_pair
from bertslim.model.tokenizer_files import (
    SENTENCEPIECE_FILES,
    VOCABULARY_FILES,
    check_tokenizer_files,
)
from bertslim.printable import one_line
from bertslim.quiet import quiet_process

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# As transformers words it: "You need to install fugashi", "requires the SentencePiece library".
_PACKAGE = re.compile(r"(?:need to install|requires the|pip install) `?([A-Za-z][\w-]*)")
_ENOUGH = 1 << 40  # tokens; transformers writes 1e30 where it knows no limit


def has_tokenizer(directory: Path) -> bool:
    """Whether the checkpoint carries a tokenizer."""
    return any((directory / name).is_file() for name in VOCABULARY_FILES)


def check_tokenizer(directory: Path) -> None:
    """Check that the tokenizer loads and fits the model, if there is one.

    Raises:
        ModelError: It does not.
    """
    if has_tokenizer(directory):
        load_tokenizer(directory)


def name_tokenizer_class(directory: Path) -> None:
    """Write the stock tokenizer's class into the tokenizer's configuration, if it names none.

    transformers goes by the model type otherwise, and does not know the slim ones.
    """
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    path = directory / TOKENIZER_CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if "tokenizer_class" not in config:
        model_type = family_of(read_config(directory)).model_type
        config["tokenizer_class"] = TOKENIZER_MAPPING_NAMES[model_type]
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_tokenizer(
    directory: Path, *, as_sentence_transformer: bool = True
) -> PreTrainedTokenizerBase:
    """Load the tokenizer, without running code of the checkpoint's own.

    Its ids all have their rows in the model's embeddings; token types are left out where the model
    has not as many.

    Args:
        directory: The checkpoint.
        as_sentence_transformer: Whether the settings of sentence-transformers, where there are any,
            are applied: the length at which texts are cut, and lower case.

    Raises:
        ModelError: There is none, it is damaged, it needs a package that is not installed, or it
            has ids that the model has no embeddings for.
    """
    tokenizer = load_plain_tokenizer(directory)
    fit_tokenizer(tokenizer, directory, as_sentence_transformer=as_sentence_transformer)
    return tokenizer


def fit_tokenizer(
    tokenizer: PreTrainedTokenizerBase, directory: Path, *, as_sentence_transformer: bool = True
) -> None:
    """Make a tokenizer read texts as the checkpoint's users do, and check that the model fits.

    Args:
        tokenizer: As transformers loads it; it is changed.
        directory: The checkpoint.
        as_sentence_transformer: As above.

    Raises:
        ModelError: It has ids that the model has no embeddings for, or files of
            sentence-transformers are damaged.
    """
    config = read_config(directory)
    check_token_ids(tokenizer, config, directory)
    drop_token_types_beyond(tokenizer, config)
    if as_sentence_transformer and (model := find_sentence_transformer(directory)) is not None:
        positions = config.get("max_position_embeddings")
        _apply(read_transformer_settings(model), tokenizer, positions)


def load_plain_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer as transformers does, whatever the model is like.

    Raises:
        ModelError: There is none, it is damaged, or it needs a package that is not installed.
    """
    from transformers import AutoConfig, AutoTokenizer

    if not has_tokenizer(directory):
        raise ModelError(
            "no tokenizer here", where=str(directory), remedy="copy the tokenizer's files there"
        )
    check_tokenizer_files(directory)
    stock = AutoConfig.for_model(family_of(read_config(directory)).model_type)
    try:
        with quiet_process():  # tokenizers prints keys that it does not know
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                directory, config=stock, local_files_only=True, trust_remote_code=False
            )
            read_pair(tokenizer)
            tokenizer.model_max_length = _whole_length(tokenizer.model_max_length)
    except ImportError as error:
        raise _lacks_package(error, directory) from error
    except BaseException as error:  # libraries raise whatever they meet, and Rust panics
        if not _is_of_the_files(error):
            raise
        raise _lacking_sentencepiece(directory) or _damaged(error, directory) from error
    if tokenizer.get_vocab().keys() <= {*tokenizer.all_special_tokens}:
        raise ModelError(
            f"a {type(tokenizer).__name__} finds no vocabulary here but special tokens",
            where=str(directory),
            remedy="copy the tokenizer's files there",
        )
    if tokenizer.pad_token_id is None:
        raise ModelError(
            "the tokenizer has no padding token",
            where=str(directory),
            remedy="name one as pad_token in tokenizer_config.json",
        )
    return tokenizer


def _whole_length(length: object) -> int:
    """Return the limit of a tokenizer as a whole number.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(length, int | float) or not length >= 1:
        raise ValueError(f"model_max_length is {length!r}, not a number of tokens")
    return int(min(length, _ENOUGH))


def _apply(
    settings: TransformerSettings, tokenizer: PreTrainedTokenizerBase, positions: int | None
) -> None:
    """Make a tokenizer read texts as the first module of sentence-transformers does."""
    if settings.max_length is not None:
        tokenizer.model_max_length = settings.max_length
    elif positions is not None:
        tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
    if settings.lower_case:
        _lower_case(tokenizer)


def _lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    """Bring texts to lower case before all else."""
    from tokenizers.normalizers import Lowercase, Sequence

    if not tokenizer.is_fast:
        raise ModelError(
            f"do_lower_case is not applied here to a {type(tokenizer).__name__}",
            where=tokenizer.name_or_path,
            remedy="save the tokenizer as a fast one",
        )
    backend = tokenizer.backend_tokenizer
    before = backend.normalizer
    steps: list[Any] = [before] if before is not None else []
    if isinstance(before, Sequence):
        steps = [before[number] for number in range(len(before))]
    if not any(isinstance(step, Lowercase) for step in steps):
        backend.normalizer = Sequence([Lowercase(), *steps])


def _lacks_package(error: ImportError, directory: Path) -> ModelError:
    named = _PACKAGE.search(str(error))
    package = error.name or (named.group(1) if named else None)
    return ModelError(
        f"the tokenizer needs the package {package}, which is not installed"
        if package
        else f"the tokenizer needs a package that is not installed ({_reason(error)})",
        where=str(directory),
        remedy=f"pip install {package}" if package else "install it",
    )


def _is_of_the_files(error: BaseException) -> bool:
    """Whether files can be at fault; an interrupt and a lack of memory are none of theirs."""
    panicked = type(error).__name__ == "PanicException"  # a BaseException that has no public name
    return panicked or (isinstance(error, Exception) and not isinstance(error, MemoryError))


def _lacking_sentencepiece(directory: Path) -> ModelError | None:
    """Return the error of a SentencePiece model that cannot be read here; None: it can be."""
    if (directory / TOKENIZER_FILE).is_file():
        return None
    if not any((directory / name).is_file() for name in SENTENCEPIECE_FILES):
        return None
    packages = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
    for package, module in packages.items():
        if not _is_installed(module):
            return _lacks_package(ImportError(name=package), directory)
    return None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def _damaged(error: BaseException, directory: Path) -> ModelError:
    return ModelError(f"the tokenizer is damaged ({_reason(error)})", where=str(directory))


def _reason(error: BaseException) -> str:
    first = one_line(str(error)).partition(". ")[0]
    return first or type(error).__name__
