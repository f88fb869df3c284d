"""`config.json` -> ModelFacts, without torch, transformers or a single weight."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.config_form import (
    embedding_parameters,
    layer_form,
    norm_rows,
    projection_macs,
    projection_parameters,
    shared_parameters,
)
from bertslim.model.config_values import ConfigValues, whole
from bertslim.model.families import (
    DECODER_HEADS,
    FAMILIES,
    SKIPPABLE,
    SLIM_PREFIX,
    Family,
    head_of,
)
from bertslim.model.heads import Dimensions, HeadPart, head_parts, heads_of, pooler_is_optional
from bertslim.model.refused_families import REASONS
from bertslim.records import LayerFacts, ModelFacts
from bertslim.wording import did_you_mean, shown

MOST_LAYERS = 10_000
_OVERRIDES = ("skip", "linear_rank", "ffn_of")


def family_of(config: Mapping[str, Any]) -> Family:
    """Return the family of a configuration, stock or slim.

    Raises:
        ModelError: The family is not supported.
    """
    model_type = str(config.get("model_type") or "")
    family = FAMILIES.get(model_type.removeprefix(SLIM_PREFIX))
    if family is None:
        known = f"supported are {', '.join(FAMILIES)}"
        if not model_type:
            raise ModelError("no model_type", where=CONFIG_FILE, remedy=known)
        reason = f" ({REASONS[model_type]})" if model_type in REASONS else ""
        named = f"model type {model_type!r} is not supported{reason}"
        raise ModelError(named, where=CONFIG_FILE, remedy=f"{known}; see docs/families.md")
    return family


def vocabulary_of(config: Mapping[str, Any]) -> int:
    """Return how many tokens a model has embeddings for."""
    return ConfigValues(family_of(config), config).number("vocab_size")


def token_types_of(config: Mapping[str, Any]) -> int:
    """Return how many token types a model has embeddings for, 0 where it takes none."""
    return ConfigValues(family_of(config), config).token_types


def read_facts(config: Mapping[str, Any], tensors: Collection[str] | None = None) -> ModelFacts:
    """Read the shape of a model from its configuration.

    Args:
        config: The content of `config.json`.
        tensors: The names of the tensors on disk, where they are known; they show whether a bare
            encoder carries its pooler.

    Raises:
        ModelError: The family, the head or a feature of the configuration is not supported.
    """
    family = family_of(config)
    _refuse_unsupported(config)
    head = _head(config, family)
    values = ConfigValues(family, config)
    values.check()
    _refuse_settings_of_family(values)
    hidden_size = values.hidden_size
    heads = values.number(family.keys.heads)
    if heads == 0 or hidden_size == 0 or hidden_size % heads:
        raise ModelError(
            f"{heads} attention heads do not divide a hidden size of {hidden_size}",
            where=CONFIG_FILE,
        )
    if (shared := values.key_value_heads) == 0 or heads % shared:
        raise ModelError(
            f"{heads} attention heads cannot share {shared} heads of keys and values",
            where=CONFIG_FILE,
        )
    _refuse_other_head_size(values, hidden_size // heads)
    parts = _parts(values, head, tensors)
    return ModelFacts(
        model_type=family.model_type,
        architecture=family.architecture(head),
        head=head,
        hidden_size=hidden_size,
        head_size=hidden_size // heads,
        vocab_size=values.number("vocab_size"),
        max_length=_max_length(values),
        labels=values.labels,
        pooler="pooler" in parts,
        dtype=str(config.get("dtype") or config.get("torch_dtype") or "float32"),
        embedding_parameters=embedding_parameters(values),
        shared_parameters=shared_parameters(values),
        head_parameters=sum(part.parameters for part in parts.values())
        + projection_parameters(values, "elsewhere"),
        macs_per_token=sum(part.macs for part in parts.values() if part.every_token)
        + projection_macs(values),
        macs_per_sequence=sum(part.macs for part in parts.values() if not part.every_token),
        layers=_layers(values),
        form=layer_form(values),
    )


def _refuse_unsupported(config: Mapping[str, Any]) -> None:
    if any(config.get(key) for key in ("is_decoder", "add_cross_attention", "is_encoder_decoder")):
        raise ModelError(
            "decoders and cross-attention are not supported",
            where=CONFIG_FILE,
            remedy="bertslim cuts encoders",
        )
    if config.get("position_embedding_type") not in (None, "absolute"):
        raise ModelError(
            f"position_embedding_type {shown(config['position_embedding_type'])} is not supported",
            where=CONFIG_FILE,
            remedy="transformers 5 has only 'absolute'",
        )
    pruned = config.get("pruned_heads")
    if any(pruned.values()) if isinstance(pruned, dict) else pruned:
        raise ModelError(
            "pruned_heads: heads were pruned by a function that transformers no longer has",
            where=CONFIG_FILE,
            remedy="give the model as it was before, and cut its heads with prune_heads",
        )
    if config.get("quantization_config"):
        raise ModelError(
            "quantization_config: quantised weights are not supported",
            where=CONFIG_FILE,
            remedy="give the weights that they were made from",
        )


def _refuse_settings_of_family(values: ConfigValues) -> None:
    for setting in values.family.unsupported:
        matters = setting.only_if is None or values.is_set(setting.only_if)
        given = values.values.get(setting.key)
        if matters and given not in setting.values:
            raise ModelError(
                f"{setting.key} {given!r} {setting.reason}, which is not supported",
                where=CONFIG_FILE,
                remedy=f"supported is {' or '.join(map(repr, setting.values))}",
            )


def _refuse_other_head_size(values: ConfigValues, size: int) -> None:
    for key in ("attention_head_size", "head_dim"):
        said = values.values.get(key, size) if key in values.family.keywords else size
        if said not in (None, size):
            raise ModelError(
                f"{key} is {shown(said)}, the hidden size over the heads {size}",
                where=CONFIG_FILE,
                remedy="heads of another size are not supported",
            )


def _head(config: Mapping[str, Any], family: Family) -> str:
    names = config.get("architectures") or []
    if not names:
        return ""
    if not isinstance(names, list):
        raise ModelError("architectures is not a list", where=CONFIG_FILE)
    head = head_of(str(names[0]))
    if head in DECODER_HEADS:
        raise ModelError(
            f"{names[0]} is a decoder", where=CONFIG_FILE, remedy="bertslim cuts encoders"
        )
    known = heads_of(family)
    if head is None or head not in known:
        classes = [family.architecture(known_head) for known_head in known]
        raise ModelError(
            f"architecture {str(names[0])!r} is not known for {family.model_type}",
            where=CONFIG_FILE,
            remedy=did_you_mean(str(names[0]), classes) or f"known are {', '.join(classes)}",
        )
    return head


def _parts(values: ConfigValues, head: str, tensors: Collection[str] | None) -> dict[str, HeadPart]:
    dimensions = Dimensions(
        hidden_size=values.hidden_size,
        embedding_size=values.embedding_size,
        vocab_size=values.number("vocab_size"),
        labels=values.labels,
        output_embedding_size=values.output_embedding_size,
        tied=values.ties_words,
        pools_late=values.pools_late,
        norm_rows=norm_rows(values),
        classifier_bias=values.says(values.family.classifier_bias),
        decoder_bias=values.says(values.family.decoder_bias),
    )
    parts = head_parts(values.family, head, dimensions)
    if (
        head == ""
        and pooler_is_optional(values.family, head)
        and tensors is not None
        and not any("pooler." in name for name in tensors)
    ):
        parts.pop("pooler", None)
    if head == "MultipleChoice" and values.values.get("summary_use_proj") is False:
        parts.pop("dense", None)
    return parts


def _positions_before(values: ConfigValues) -> int:
    """Return how many of the first positions no token has."""
    match values.family.positions_after:
        case None:
            return 0
        case int() as index:
            return index + 1
        case key:
            return values.number(key) + 1


def _max_length(values: ConfigValues) -> int:
    positions = values.number("max_position_embeddings")
    before = _positions_before(values)
    if positions <= before:
        after = f", of which the first {before} are not used" if before else ""
        raise ModelError(
            f"max_position_embeddings is {positions}{after}: no token has a position",
            where=CONFIG_FILE,
        )
    return positions - before


def _layers(values: ConfigValues) -> tuple[LayerFacts, ...]:
    key = values.family.keys.layers
    count = values.number(key)
    if count > MOST_LAYERS:
        what = f"{key} is {count:,}; no encoder of more than {MOST_LAYERS:,} layers is read"
        raise ModelError(what, where=CONFIG_FILE)
    overrides = _overrides(values, count)
    width = values.family.keys.intermediate_size
    if not overrides and not values.number(width):
        raise ModelError(f"{width} is 0", where=CONFIG_FILE)
    facts = tuple(_layer(values, layer, overrides.get(layer, {})) for layer in range(count))
    for number, layer in enumerate(facts):
        if layer.ffn_of is not None and not _can_use(layer, facts[:number]):
            raise _bad_override(f"layer {number} cannot use the FFN block of layer {layer.ffn_of}")
    return facts


def _overrides(values: ConfigValues, count: int) -> dict[int, object]:
    """Return how layers differ, by number; transformers writes 01 where there are ten or more."""
    given = values.values.get("per_layer_config") or {}
    if not isinstance(given, dict):
        raise _bad_override("is not an object")
    widths = range(1, len(str(count)) + 1)
    numbers = {str(number).zfill(width): number for number in range(count) for width in widths}
    if strange := sorted(given.keys() - numbers):
        raise _bad_override(f"there is no layer {strange[0]!r}")
    return {numbers[key]: override for key, override in given.items()}


def _can_use(layer: LayerFacts, below: tuple[LayerFacts, ...]) -> bool:
    """Whether the FFN block that a layer names is one of a layer below, of the same shape."""
    if layer.ffn_of is None or layer.ffn_of >= len(below) or not layer.intermediate_size:
        return False
    giver = below[layer.ffn_of]
    shape = (layer.intermediate_size, layer.linear_rank)
    return giver.ffn_of is None and (giver.intermediate_size, giver.linear_rank) == shape


def _layer(values: ConfigValues, layer: int, override: object) -> LayerFacts:
    if not isinstance(override, dict):
        raise _bad_override(f"layer {layer} is not an object")
    keys = values.family.keys
    shares = ("bias_heads",) if values.family.heads_share_bias else ()
    known = (keys.heads, keys.intermediate_size, *_OVERRIDES, *shares)
    if strange := sorted(override.keys() - set(known)):
        raise _bad_override(f"layer {layer} sets {strange[0]!r}; known are {', '.join(known)}")
    skip = override.get("skip", [])
    if not isinstance(skip, list) or not all(part in SKIPPABLE for part in skip):
        raise _bad_override(f"layer {layer} skips {skip!r}; known are {', '.join(SKIPPABLE)}")
    most, raw = values.number(keys.heads), values.family.first_reads_raw
    heads = whole(keys.heads, override.get(keys.heads, most))
    width = override.get(keys.intermediate_size, values.number(keys.intermediate_size))
    facts = LayerFacts(
        heads=heads,
        intermediate_size=whole(keys.intermediate_size, width),
        attention_norm="attention_norm" not in skip and not (raw and layer == 0),
        ffn_norm="ffn_norm" not in skip,
        linear_rank=whole("linear_rank", override.get("linear_rank", 0)),
        ffn_of=whole("ffn_of", override["ffn_of"]) if "ffn_of" in override else None,
    )
    gone = {"attention": heads == 0, "ffn": width == 0}
    if heads > most or any((block in skip) != is_gone for block, is_gone in gone.items()):
        raise _bad_override(f"layer {layer} has sizes that do not fit what it skips")
    if shares and not _names_its_heads(override.get("bias_heads"), heads, most):
        raise _bad_override(f"layer {layer} has bias_heads that do not fit its {heads} heads")
    if facts.linear_rank > values.hidden_size:
        raise _bad_override(f"layer {layer} has a linear_rank above the hidden size")
    return facts


def _names_its_heads(numbers: object, heads: int, most: int) -> bool:
    """Whether a layer says of each of its heads which it is of a bias that all layers share."""
    if heads in (0, most):
        return numbers is None
    known = range(most)
    return (
        isinstance(numbers, list)
        and all(type(number) is int and number in known for number in numbers)
        and len(set(numbers)) == len(numbers) == heads
    )


def _bad_override(what: str) -> ModelError:
    return ModelError(f"per_layer_config: {what}", where=CONFIG_FILE)
