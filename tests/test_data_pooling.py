"""Pooling, held to sentence-transformers itself."""

from __future__ import annotations

import pytest
import torch

from bertslim.data.pooling import POOLERS, Pooling

MASKS = {
    "padded on the right": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]],
    "padded on the left": [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1]],
}


@pytest.mark.parametrize("prompt_tokens", [0, 1])
@pytest.mark.parametrize("side", MASKS)
@pytest.mark.parametrize("modes", [*((mode,) for mode in POOLERS), ("max", "cls")])
def test_pooling_is_that_of_sentence_transformers(
    modes: tuple[str, ...], side: str, prompt_tokens: int
) -> None:
    from sentence_transformers.models import Pooling as Theirs

    hidden, mask = torch.randn(3, 5, 8), torch.tensor(MASKS[side])
    features = {"token_embeddings": hidden, "attention_mask": mask, "prompt_length": prompt_tokens}
    theirs = Theirs(8, pooling_mode=modes, include_prompt=prompt_tokens == 0)
    expected = theirs(features)["sentence_embedding"]
    found = Pooling(modes, prompt_tokens)(hidden, mask)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert str(Pooling(modes, prompt_tokens)) == "+".join(modes)
