"""Take the embeddings of tokens that are gone out of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model.vocabulary import Vocabulary, token_ids_of

_A_ROW_A_TOKEN = re.compile(
    r"(?:.*\.)?(?:word_embeddings\.weight"
    r"|(?:predictions|lm_head)(?:\.decoder)?\.(?:weight|bias)"
    r"|(?:vocab_projector|generator_lm_head)\.(?:weight|bias)"
    r"|(?:tok_embeddings|embed_tokens)\.weight)"
    r"|decoder\.(?:weight|bias)"
)


@torch.no_grad()
def prune_embeddings(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    """Keep the rows of the tokens that stay, in place, and number tokens anew in the configuration.

    Those are the rows of the token embeddings, and of the weights and biases of a masked LM's
    output. No value changes, and what was tied stays tied.
    """
    rows = torch.tensor(vocabulary.kept)
    pruned: dict[nn.Parameter, nn.Parameter] = {}
    for name, parameter in list(model.named_parameters(remove_duplicate=False)):
        if _A_ROW_A_TOKEN.fullmatch(name):
            if parameter not in pruned:
                pruned[parameter] = nn.Parameter(parameter[rows], parameter.requires_grad)
            owner, _, leaf = name.rpartition(".")
            _replace(model.get_submodule(owner), leaf, pruned[parameter], vocabulary)
    for key, ids in token_ids_of(model.config).items():
        setattr(model.config, key, vocabulary.renumber(ids))
    model.config.vocab_size = vocabulary.after


def prune_extra(extra: Mapping[str, Tensor], vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Take the same rows out of tensors that lie beside the model's own.

    Args:
        extra: Tensors by name, such as the output of a masked LM beside a bare encoder.
        vocabulary: The tokens that stay.
    """
    rows = torch.tensor(vocabulary.kept)
    return {
        name: tensor[rows] if _A_ROW_A_TOKEN.fullmatch(name) else tensor
        for name, tensor in extra.items()
    }


def _replace(module: nn.Module, name: str, parameter: nn.Parameter, vocabulary: Vocabulary) -> None:
    setattr(module, name, parameter)
    if isinstance(module, nn.Embedding):
        module.num_embeddings = vocabulary.after
        if module.padding_idx is not None:
            module.padding_idx = vocabulary.new_ids[module.padding_idx]
    elif isinstance(module, nn.Linear):
        module.out_features = vocabulary.after
