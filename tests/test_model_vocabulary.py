"""A pruned vocabulary reads the texts that it was made from as before, for every kind of tokenizer.

The tokenizers are trained here on a few sentences; the models are tiny and random.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from bertslim.errors import ModelError
from bertslim.measure.size import count_macs, count_parameters
from bertslim.model.checkpoint import load_checkpoint, save_checkpoint
from bertslim.model.config_facts import read_facts
from bertslim.model.embedding_rows import prune_embeddings, prune_extra
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.tokenizer import load_tokenizer
from bertslim.model.tokenizer_models import read_tokenizer_model
from bertslim.model.tokenizer_pruning import prune_content, prune_tokenizer
from bertslim.model.vocabulary import Vocabulary, choose_vocabulary, tokenizer_content
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from support.families import every_head_of

SENTENCES = [
    "the film is good and the acting better, a naïve café owner sings",
    "unbelievable unhappiness: films filming filmed, filmmakers are filmic",
    "hello world 123, the worldly worlds of wonder wander on",
    "an unfilmable novel turned into an unhappy but lovable picture",
]
CORPUS = ["the film is good", "unhappy worlds, filmed", "", "  hello   café 12 ", "naïve ☃ films"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]

each_family = pytest.mark.parametrize("model_type", FAMILIES)
# One tokenizer of each kind, and each of the ways in which families number special tokens.
each_kind = pytest.mark.parametrize("model_type", ["bert", "mpnet", "roberta", "camembert"])


def train(kind: str, special: list[str], size: int = 300) -> dict[str, Any]:
    """Return the trained model of a tokenizer, as tokenizer.json has it."""
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    options = {"vocab_size": size, "special_tokens": special, "show_progress": False}
    if kind == "WordPiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token=special[-1]))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(**options)
    elif kind == "BPE":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            **{**options, "initial_alphabet": alphabet, "vocab_size": 420}
        )
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(**{**options, "unk_token": special[-1], "vocab_size": 70})
    tokenizer.train_from_iterator(SENTENCES * 10, trainer)
    return json.loads(tokenizer.to_str())["model"]


# Families whose stock class is of no kind of its own, or needs a further package.
STAND_IN = {
    "modernbert": "roberta",
    "eurobert": "roberta",
    "xlm-roberta-xl": "xlm-roberta",
    "bert-generation": "xlm-roberta",
    "roformer": "bert",
}


def stock_tokenizer(model_type: str) -> Any:
    """Return a tokenizer of the family's stock class."""
    import transformers
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    like = STAND_IN.get(model_type, model_type)
    tokenizer_class = getattr(transformers, TOKENIZER_MAPPING_NAMES[like])
    if tokenizer_class is transformers.BertTokenizer:
        unused = [f"[unused{number}]" for number in range(9)]
        special = ["[PAD]", *unused, "[CLS]", "[SEP]", "[MASK]", "[UNK]"]
        return tokenizer_class(vocab=train("WordPiece", special)["vocab"])
    if tokenizer_class is transformers.MPNetTokenizer:
        vocab = train("WordPiece", ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]"])["vocab"]
        return tokenizer_class(vocab=vocab)
    if tokenizer_class is transformers.RobertaTokenizer:
        model = train("BPE", [*SPECIAL, "<mask>"])
        merges = [tuple(merge) for merge in model["merges"]]
        return tokenizer_class(vocab=model["vocab"], merges=merges)
    pieces = [(token, score) for token, score in train("Unigram", SPECIAL)["vocab"][4:]]
    first = [(token, 0.0) for token in SPECIAL]
    if tokenizer_class is transformers.AlbertTokenizer:
        names = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
        return tokenizer_class(vocab=[*((name, 0.0) for name in names), *pieces])
    if tokenizer_class is transformers.CamembertTokenizer:
        odd = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0)]
        first = [*odd, ("<unk>NOTUSED", -100.0), ("<s>", 0.0), ("</s>", 0.0)]
    return tokenizer_class(vocab=[*first, *pieces, ("<mask>", 0.0)])


@pytest.fixture(scope="session")
def checkpoint(tiny_model, tmp_path_factory) -> Callable[..., Path]:
    """Return a function that saves a tiny model with a trained tokenizer of its family.

    It has a few more embeddings than the tokenizer has tokens, as many published models do.
    """
    made: dict[tuple[str, str, bool], Path] = {}

    def make(model_type: str, head: str = "", *, tied: bool = True) -> Path:
        key = (model_type, head, tied)
        if key not in made:
            directory = tmp_path_factory.mktemp("with-tokenizer")
            tokenizer = stock_tokenizer(model_type)
            tokenizer.save_pretrained(directory)
            ends = {}
            if model_type == "camembert":
                ends = {"bos_token_id": 5, "eos_token_id": 6}
            model = tiny_model(
                model_type,
                head,
                vocab_size=len(tokenizer) + 3,
                tie_word_embeddings=tied,
                pad_token_id=tokenizer.pad_token_id,
                **ends,
            )
            model.save_pretrained(directory)
            made[key] = directory
        return made[key]

    return make


def prune(base: Path, target: Path, texts: list[str], **options: Any) -> Vocabulary:
    """Write the checkpoint with a vocabulary pruned to texts."""
    shutil.copytree(base, target)
    loaded = load_checkpoint(base)
    vocabulary = choose_vocabulary(texts, load_tokenizer(base), loaded.model, **options)
    prune_embeddings(loaded.model, vocabulary)
    extra = prune_extra(loaded.extra, vocabulary)
    save_checkpoint(loaded.model, target, extra, loaded.config)
    prune_tokenizer(target, vocabulary)
    return vocabulary


def read(directory: Path, texts: list[str]) -> Any:
    return load_tokenizer(directory)(texts, padding=True, return_tensors="pt")


# Reading


@each_family
def test_the_corpus_is_read_as_before(model_type: str, checkpoint, tmp_path: Path) -> None:
    base = checkpoint(model_type)
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    before, after = load_tokenizer(base), load_tokenizer(tmp_path / "slim")
    assert len(after) < len(before)
    old, new = before(CORPUS)["input_ids"], after(CORPUS)["input_ids"]
    assert [[vocabulary.kept[number] for number in ids] for ids in new] == old
    assert [after.decode(ids) for ids in new] == [before.decode(ids) for ids in old]
    for ids, others in zip(new, old, strict=True):
        names = after.convert_ids_to_tokens(ids), before.convert_ids_to_tokens(others)
        assert names[0] == names[1]
    pair = after("the film", "is good")["input_ids"]
    assert [vocabulary.kept[number] for number in pair] == before("the film", "is good")[
        "input_ids"
    ]


WORDS = st.text(alphabet="abcdefilmnoprstuwхñé☃, .#Ġ▁1", max_size=12)


@each_kind
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.one_of(WORDS, st.sampled_from(SENTENCES)), max_size=4))
def test_any_corpus_is_read_as_before(
    model_type: str, texts: list[str], checkpoint, tmp_path_factory
) -> None:
    base = checkpoint(model_type)
    tokenizer, model = load_tokenizer(base), load_checkpoint(base).model
    vocabulary = choose_vocabulary(texts, tokenizer, model)
    pruned = Tokenizer.from_str(
        json.dumps(prune_content(tokenizer_content(tokenizer), vocabulary.new_ids))
    )
    for text in texts:
        old = tokenizer(text)["input_ids"]
        assert [vocabulary.kept[number] for number in pruned.encode(text).ids] == old


def test_other_texts_fall_apart_into_characters(checkpoint, tmp_path: Path) -> None:
    for model_type in ("bert", "roberta", "xlm-roberta"):
        base = checkpoint(model_type)
        prune(base, tmp_path / model_type, ["the film"])
        before, after = load_tokenizer(base), load_tokenizer(tmp_path / model_type)
        other = "unhappy wonder"
        assert len(after.tokenize(other)) > len(before.tokenize(other))
        assert after.unk_token not in after.tokenize(other)
        assert after.decode(after(other)["input_ids"]) == before.decode(before(other)["input_ids"])


def test_rare_tokens_go_if_a_count_is_asked_for(checkpoint, tmp_path: Path) -> None:
    texts = ["the film is good"] * 3 + ["the worlds"]
    base = checkpoint("bert")
    kept = prune(base, tmp_path / "all", texts)
    fewer = prune(base, tmp_path / "often", texts, min_count=2)
    assert set(fewer.kept) < set(kept.kept)
    all_tokens, often = load_tokenizer(tmp_path / "all"), load_tokenizer(tmp_path / "often")
    assert all_tokens.tokenize("worlds") == ["worlds"]
    assert often.tokenize("worlds") == ["w", *(f"##{letter}" for letter in "orlds")]
    assert often.tokenize("the film is good") == all_tokens.tokenize("the film is good")


# Traps, one a kind of model


def ids_after(content: dict[str, Any], text: str, normalizer: Any = None) -> tuple[Any, Any]:
    """Return what a bare tokenizer reads before, and after it was pruned to that very text."""
    import transformers
    from tokenizers import pre_tokenizers

    tokenizer = Tokenizer.from_str(json.dumps({"version": "1.0", "model": content} | EMPTY))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, pad_token_id=None,
    )  # fmt: skip
    vocabulary = choose_vocabulary([text], fast, transformers.BertModel(config))
    pruned = Tokenizer.from_str(
        json.dumps(prune_content(tokenizer_content(fast), vocabulary.new_ids))
    )
    assert len(vocabulary.kept) < tokenizer.get_vocab_size()
    after = [vocabulary.kept[number] for number in pruned.encode(text).ids]
    return tokenizer.encode(text).ids, after


EMPTY = {
    "added_tokens": [], "truncation": None, "padding": None, "normalizer": None,
    "pre_tokenizer": None, "post_processor": None, "decoder": None,
}  # fmt: skip


def test_a_word_that_the_greedy_way_does_not_find_stays_unknown() -> None:
    words = ["[UNK]", "a", "b", "ab", "##bc", "zzz", "c"]
    content = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {word: number for number, word in enumerate(words)},
    }
    before, after = ids_after(content, "abc bbc")  # without "ab": a ##bc
    assert before == after == [0, 2, 4]


def test_the_price_of_an_unknown_character_stays() -> None:
    scores = {"<unk>": 0, "Qa": -18, "a": -9, "b": -8.5, "c": -8.5, "abc": -1, "lowest": -29}
    scores["unused"] = -5
    pieces = list(scores.items())
    content = {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": pieces}
    # Q is unknown by itself: Qa b c costs 35, <unk> abc 40; without "lowest" it would be 29.
    before, after = ids_after(content, "Qabc abc")
    assert before == after == [1, 3, 4, 5]


def test_pairs_that_a_token_is_joined_from_stay() -> None:
    words = ["a", "b", "c", "d", "ab", "cd", "abcd", "bc", "dd"]
    content = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
        "ignore_merges": False, "vocab": {word: number for number, word in enumerate(words)},
        "merges": ["a b", "c d", "ab cd", "b c", "d d"],
    }  # fmt: skip
    before, after = ids_after(content, "abcd")
    assert before == after == [6]


# The model


each_head = pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)


@each_head
def test_answers_are_the_same_bit_for_bit(
    model_type: str, head: str, checkpoint, tmp_path: Path
) -> None:
    base = checkpoint(model_type, head)
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    rows = torch.tensor(vocabulary.kept)
    answers = []
    for directory in (base, tmp_path / "slim"):
        # A copy, since rounding depends on where in the mapped file a matrix begins.
        model = copy.deepcopy(load_checkpoint(directory).model)
        inputs = dict(read(directory, CORPUS))
        if head == "MultipleChoice":
            inputs = {name: values.unsqueeze(0) for name, values in inputs.items()}
        with torch.inference_mode():
            answers.append(model(**inputs).to_tuple())
    for before, after in zip(*answers, strict=True):
        same = before if before.shape == after.shape else before[..., rows]
        assert torch.equal(after, same)


@each_head
def test_nothing_but_rows_of_tokens_goes(
    model_type: str, head: str, checkpoint, tmp_path: Path
) -> None:
    base = checkpoint(model_type, head)
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    before, after = load_checkpoint(base), load_checkpoint(tmp_path / "slim")
    held = [
        sum(parameter.numel() for parameter in one.model.parameters()) for one in (before, after)
    ]
    with_rows = [p for p in before.model.parameters() if len(p) == vocabulary.before]
    each = sum(parameter[0].numel() for parameter in with_rows)
    assert held[0] - held[1] == each * (vocabulary.before - vocabulary.after)
    assert after.facts.vocab_size == vocabulary.after == len(load_tokenizer(tmp_path / "slim"))
    assert type(after.model) is type(before.model)
    for name, parameter in after.model.named_parameters():
        assert parameter.shape in (
            before.model.get_parameter(name).shape,
            (vocabulary.after, *before.model.get_parameter(name).shape[1:]),
        )


@each_head
def test_the_plan_counts_what_is_left(
    model_type: str, head: str, checkpoint, tmp_path: Path
) -> None:
    base = load_checkpoint(checkpoint(model_type, head))
    vocabulary = prune(checkpoint(model_type, head), tmp_path / "slim", CORPUS)
    config = vocabulary.renumber_config(base.config)
    pruned = read_facts(config, base.weights.tensors)
    loaded = load_recipe("vocab_to_corpus")
    plan = make_plan(loaded, base.facts, length=9, pruned=pruned).record
    slim = load_checkpoint(tmp_path / "slim")
    counts = count_parameters(slim.model)
    assert (counts.total, counts.embeddings) == (plan.slim.parameters, plan.slim.embeddings)
    assert count_macs(slim.model, head, length=9) == plan.slim.macs
    assert plan.slim.parameters < plan.base.parameters


@every_head_of("MaskedLM")
def test_an_output_of_its_own_is_pruned_as_well(
    model_type: str, head: str, checkpoint, tmp_path: Path
) -> None:
    base = checkpoint(model_type, head, tied=False)
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    rows = torch.tensor(vocabulary.kept)
    before, after = load_checkpoint(base).model, load_checkpoint(tmp_path / "slim").model
    assert after.get_output_embeddings().weight is not after.get_input_embeddings().weight
    with torch.inference_mode():
        old, new = before(**read(base, CORPUS)), after(**read(tmp_path / "slim", CORPUS))
    assert torch.equal(new.logits, old.logits[..., rows])


def test_tensors_beside_the_model_keep_their_place(checkpoint, tmp_path: Path) -> None:
    masked = checkpoint("bert", "MaskedLM", tied=False)
    bare = tmp_path / "bare"
    shutil.copytree(masked, bare)
    config = json.loads((bare / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    assert any("predictions.decoder" in name for name in load_checkpoint(bare).extra)
    vocabulary = prune(bare, tmp_path / "slim", CORPUS)
    slim = json.loads((tmp_path / "slim/config.json").read_text())
    slim = slim | {"architectures": ["BertForMaskedLM"]}
    (tmp_path / "slim/config.json").write_text(json.dumps(slim))
    again, before = load_checkpoint(tmp_path / "slim").model, load_checkpoint(masked).model
    with torch.inference_mode():
        old, new = before(**read(masked, CORPUS)), again(**read(tmp_path / "slim", CORPUS))
    assert torch.equal(new.logits, old.logits[..., torch.tensor(vocabulary.kept)])


def test_an_uneven_model_keeps_its_shape(checkpoint, cut, make_recipe, tmp_path: Path) -> None:
    uneven = cut(checkpoint("roberta"), make_recipe({"op": "drop_ffn", "layers": "odd"}))
    prune(uneven, tmp_path / "slim", CORPUS)
    before, after = load_checkpoint(uneven), load_checkpoint(tmp_path / "slim")
    assert after.facts.layers == before.facts.layers
    assert type(after.model).__name__ == "SlimRobertaModel"
    old, new = (
        copy.deepcopy(one.model)(**read(directory, CORPUS)).last_hidden_state
        for one, directory in ((before, uneven), (after, tmp_path / "slim"))
    )
    assert torch.equal(new, old)


@each_kind
def test_a_pruned_vocabulary_can_be_pruned_again(
    model_type: str, checkpoint, tmp_path: Path
) -> None:
    base = checkpoint(model_type)
    first = prune(base, tmp_path / "first", CORPUS)
    second = prune(tmp_path / "first", tmp_path / "second", CORPUS[:1])
    assert second.after < first.after == second.before
    ids = load_tokenizer(tmp_path / "second")(CORPUS[0])["input_ids"]
    back = [first.kept[second.kept[number]] for number in ids]
    assert back == load_tokenizer(base)(CORPUS[0])["input_ids"]
    third = prune(tmp_path / "second", tmp_path / "third", CORPUS[:1])
    assert third.after == third.before


@each_family
def test_the_configuration_names_the_same_tokens(
    model_type: str, checkpoint, tmp_path: Path
) -> None:
    base = checkpoint(model_type)
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    before, after = load_checkpoint(base).model, load_checkpoint(tmp_path / "slim").model
    tokens = load_tokenizer(base), load_tokenizer(tmp_path / "slim")
    for key in ("pad_token_id", "bos_token_id", "eos_token_id"):
        old, new = getattr(before.config, key), getattr(after.config, key)
        assert (old is None) == (new is None)
        if old is not None:
            assert vocabulary.kept[new] == old
            assert tokens[1].convert_ids_to_tokens(new) == tokens[0].convert_ids_to_tokens(old)
    assert after.config.pad_token_id == tokens[1].pad_token_id
    padding = after.get_input_embeddings().padding_idx
    assert vocabulary.kept[padding] == before.get_input_embeddings().padding_idx


def test_half_precision_and_frozen_weights_stay(tiny_model, checkpoint) -> None:
    model = load_checkpoint(checkpoint("bert", "MaskedLM")).model.to(torch.bfloat16)
    model.get_input_embeddings().weight.requires_grad = False
    prune_embeddings(model, Vocabulary((0, 2, 5), model.config.vocab_size))
    embeddings = model.get_input_embeddings()
    assert embeddings.weight is model.get_output_embeddings().weight
    assert (embeddings.num_embeddings, embeddings.weight.dtype) == (3, torch.bfloat16)
    assert not embeddings.weight.requires_grad
    assert embeddings.weight.untyped_storage().nbytes() == embeddings.weight.nbytes
    assert model.get_output_embeddings().out_features == 3


# Files


@each_kind
def test_it_loads_in_a_fresh_process_by_transformers_alone(
    model_type: str, checkpoint, tmp_path: Path, fresh_python
) -> None:
    base = checkpoint(model_type, "MaskedLM")
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    code = (
        "import json, sys\n"
        "from transformers import AutoModelForMaskedLM, AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])\n"
        "model = AutoModelForMaskedLM.from_pretrained(sys.argv[1])\n"
        "ids = tokenizer(json.loads(sys.argv[2]))['input_ids']\n"
        "print(json.dumps([ids, list(model.get_output_embeddings().weight.shape)]))\n"
    )
    done = fresh_python(code, tmp_path / "slim", json.dumps(CORPUS), bertslim=False)
    ids, shape = json.loads(done.stdout)
    assert shape[0] == vocabulary.after
    old = load_tokenizer(base)(CORPUS)["input_ids"]
    assert [[vocabulary.kept[number] for number in row] for row in ids] == old


def test_plain_vocabulary_files_are_written_anew_where_they_were(
    checkpoint, tmp_path: Path
) -> None:
    for model_type, names in (("bert", ["vocab.txt"]), ("roberta", ["merges.txt", "vocab.json"])):
        base = tmp_path / f"{model_type}-base"
        shutil.copytree(checkpoint(model_type), base)
        load_tokenizer(base).backend_tokenizer.model.save(str(base))
        slim = tmp_path / model_type
        prune(base, slim, CORPUS)
        assert {path.name for path in slim.iterdir()} == {path.name for path in base.iterdir()}
        expected = load_tokenizer(slim)(CORPUS)["input_ids"]
        (slim / "tokenizer.json").unlink()
        assert all((slim / name).is_file() for name in names)
        assert load_tokenizer(slim)(CORPUS)["input_ids"] == expected


def test_a_base_with_only_plain_files_gets_a_tokenizer_json(checkpoint, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(checkpoint("bert"), base)
    load_tokenizer(base).backend_tokenizer.model.save(str(base))
    (base / "tokenizer.json").unlink()
    vocabulary = prune(base, tmp_path / "slim", CORPUS)
    new = load_tokenizer(tmp_path / "slim")(CORPUS)["input_ids"]
    old = load_tokenizer(base)(CORPUS)["input_ids"]
    assert [[vocabulary.kept[number] for number in ids] for ids in new] == old
    assert (tmp_path / "slim/tokenizer.json").is_file()


def test_a_sentencepiece_model_does_not_contradict_the_new_file(checkpoint, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(checkpoint("xlm-roberta"), base)
    (base / "sentencepiece.bpe.model").write_bytes(b"the old one")
    prune(base, tmp_path / "slim", CORPUS)
    assert not (tmp_path / "slim/sentencepiece.bpe.model").exists()


def test_added_tokens_padding_and_cutting_go_along(checkpoint, tiny_model, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(checkpoint("bert"), base)
    tokenizer = load_tokenizer(base)
    tokenizer.add_tokens(["filmkind", "☃"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["[E1]"]})
    tokenizer.save_pretrained(base)
    tokenizer.backend_tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=12)
    tokenizer.backend_tokenizer.enable_truncation(12)
    tokenizer.backend_tokenizer.save(str(base / "tokenizer.json"))
    by_token = {token: tokenizer.convert_tokens_to_ids(token) for token in ("filmkind", "☃")}
    (base / "added_tokens.json").write_text(json.dumps(by_token))
    config = json.loads((base / "tokenizer_config.json").read_text())
    decoder = {
        str(number): {"content": token.content, "special": token.special}
        for number, token in tokenizer.added_tokens_decoder.items()
    }
    config["added_tokens_decoder"] = decoder
    (base / "tokenizer_config.json").write_text(json.dumps(config))
    tiny_model("bert", vocab_size=len(tokenizer)).save_pretrained(base)
    vocabulary = prune(base, tmp_path / "slim", ["the film"])
    texts = ["the filmkind ☃ film [E1]", "the film " * 20]
    new, old = (load_tokenizer(one)(texts) for one in (tmp_path / "slim", base))
    expected = [[vocabulary.new_ids[number] for number in ids] for ids in old["input_ids"]]
    assert new["input_ids"] == expected
    slim = json.loads((tmp_path / "slim/tokenizer.json").read_text())
    assert slim["padding"]["strategy"] == {"Fixed": 12}
    assert slim["truncation"]["max_length"] == 12
    added = json.loads((tmp_path / "slim/added_tokens.json").read_text())
    after = load_tokenizer(tmp_path / "slim")
    assert added == {token: after.convert_tokens_to_ids(token) for token in by_token}


# Refusals


def test_a_tokenizer_written_in_python_is_refused(checkpoint, tmp_path: Path) -> None:
    from transformers import CanineTokenizer

    model = load_checkpoint(checkpoint("bert")).model
    with pytest.raises(ModelError, match="it is no fast tokenizer; leave prune_vocab out"):
        choose_vocabulary(["a"], CanineTokenizer(), model)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"type": "WordLevel", "vocab": {}}, "known are WordPiece, BPE, Unigram"),
        ({"type": "BPE", "byte_fallback": True}, "byte_fallback is True"),
        ({"type": "BPE", "dropout": 0.1}, "dropout is 0.1"),
        ({"type": "BPE", "end_of_word_suffix": "</w>"}, "end_of_word_suffix is '</w>'"),
        ({"type": "BPE", "continuing_subword_prefix": "@@"}, "continuing_subword_prefix is '@@'"),
        ({"type": "Unigram", "byte_fallback": True}, "byte_fallback is True"),
    ],
)
def test_other_models_are_refused(content: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_tokenizer_model(content)
    assert why in str(caught.value)
    assert "leave prune_vocab out of the recipe" in str(caught.value)


def test_an_unknown_post_processor_is_refused(checkpoint) -> None:
    content = tokenizer_content(load_tokenizer(checkpoint("bert")))
    content["post_processor"] = {"type": "Other"}
    identity = {number: number for number in range(len(content["model"]["vocab"]))}
    with pytest.raises(ModelError, match="post_processor Other is not known"):
        prune_content(content, identity)


def test_a_tokenizer_that_does_not_fit_the_model_is_refused(checkpoint, tiny_model) -> None:
    tokenizer = load_tokenizer(checkpoint("bert"))
    with pytest.raises(ModelError, match="token 29 is not among the model's 29 embeddings"):
        choose_vocabulary(CORPUS, tokenizer, tiny_model("bert", vocab_size=29))


def test_a_configuration_that_names_no_token_is_refused(checkpoint, tiny_model) -> None:
    tokenizer = load_tokenizer(checkpoint("bert"))
    model = tiny_model("bert", vocab_size=len(tokenizer), eos_token_id=5000)
    with pytest.raises(ModelError, match=r"token 5000 is not among .* do not belong together"):
        choose_vocabulary(CORPUS, tokenizer, model)
