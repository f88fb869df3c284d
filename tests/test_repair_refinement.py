"""Maps fitted together, against a plain loop in float64."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertslim.errors import ModelError
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.repair import refinement
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.refinement import BlockTask, RefinedError, Refinement, refine
from bertslim.repair.split_moments import Values
from bertslim.repair.token_pool import TokenPool
from bertslim.surgery.output_metric import output_metric
from support.calibration import calibration_batch

WIDTH, NEURONS = 6, 5
TOKENS_A_STEP = 16


def batch(sequences: int, length: int) -> CalibrationBatch:
    """Random states; a third of the sequences is held out, and each one's last token padding."""
    tokens = torch.ones(sequences, length, dtype=torch.bool)
    tokens[:, -1] = False
    held = tokens & (torch.arange(sequences) % 3 == 2).unsqueeze(1)
    states = [torch.randn(sequences, length, WIDTH, dtype=torch.float64) for _ in range(4)]
    return calibration_batch(tokens, held, *states)


class Block(nn.Module):
    """Two maps with an activation between them; the second has no bias."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.first = nn.Linear(WIDTH, NEURONS, dtype=torch.float64)
            self.second = nn.Linear(NEURONS, WIDTH, bias=False, dtype=torch.float64)

    def forward(self, states: Tensor) -> Tensor:
        output: Tensor = self.second(torch.tanh(self.first(states)))
        return output

    @property
    def maps(self) -> list[nn.Linear]:
        return [self.first, self.second]


@pytest.fixture
def texts() -> list[CalibrationBatch]:
    """Texts whose sums are what a block puts out that is near to the one to be refined."""
    made, wanted = [batch(9, 7), batch(6, 9)], Block(1)
    with torch.no_grad():
        wanted.first.weight += 0.05 * torch.randn_like(wanted.first.weight)
        for text in made:
            noise = 0.01 * torch.randn_like(text.states.slim)
            text.states.ffn_sum.copy_(wanted(text.states.slim) + noise)
    return made


@pytest.fixture
def metric() -> Tensor:
    gradients = torch.randn(20, WIDTH, dtype=torch.float64) * torch.arange(WIDTH)
    return output_metric(gradients.T @ gradients)


def weights_of(text: CalibrationBatch) -> Tensor:
    return text.states.base[..., 0].square() + 0.1


def refined(
    texts: Any,
    block: Block,
    metric: Tensor,
    *,
    ranks: Ranks | None = None,
    trial: float = 1.0,
    **changes: Any,
) -> RefinedError:
    how = {"steps": 30, "seed": 5, "progress": Progress(visible=False)} | changes
    calibration = Calibration(texts, ranks or Ranks())

    def pool(chosen: Values) -> TokenPool:
        return TokenPool(calibration, weights_of, chosen, tokens_a_draw=TOKENS_A_STEP)

    task = BlockTask(
        fit=pool(lambda text: text.fit),
        held=pool(lambda text: text.held),
        output=lambda text: block(text.states.slim),
        target=lambda text: text.states.ffn_sum,
        metric=metric,
        ranks=calibration.ranks,
    )
    with torch.no_grad():
        return refine(block.maps, task, Refinement(**how), layer=3, trial=trial)


def tokens_of(texts: Any, part: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, targets and weights of the tokens of a part."""
    masks = [getattr(text, part) for text in texts]
    pairs = list(zip(texts, masks, strict=True))
    return (
        torch.cat([text.states.slim[mask] for text, mask in pairs]),
        torch.cat([text.states.ffn_sum[mask] for text, mask in pairs]),
        torch.cat([weights_of(text)[mask] for text, mask in pairs]),
    )


def weighted(values: Tensor, weights: Tensor, metric: Tensor) -> Tensor:
    return torch.einsum("t,ti,ij,tj->t", weights, values, metric, values)


def spread(y: Tensor, w: Tensor, metric: Tensor) -> float:
    mean = (w @ y) / w.sum()
    return float(weighted(y - mean, w, metric).sum())


def held_error(block: Block, texts: Any, metric: Tensor) -> float:
    x, y, w = tokens_of(texts, "held")
    errors = weighted(block(x).detach() - y, w, metric)
    return float(errors.sum()) / spread(y, w, metric)


def test_it_is_adam_on_the_weighted_error_in_the_metric(texts, metric) -> None:
    block, plain = Block(1), Block(1)
    found = refined(texts, block, metric)
    x, y, w = tokens_of(texts, "fit")
    scale = 16 * spread(y, w, metric) / len(x)
    draw = torch.Generator().manual_seed(5)
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in plain.parameters()]
    for step in range(30):
        drawn = torch.randint(len(x), (16,), generator=draw)
        error = plain(x[drawn]) - y[drawn]
        (weighted(error, w[drawn], metric).sum() / scale).backward()
        rate = 1e-3 * (1 + math.cos(math.pi * step / 30)) / 2
        with torch.no_grad():
            for parameter, (first, second) in zip(plain.parameters(), moments, strict=True):
                first.mul_(0.9).add_(0.1 * parameter.grad)
                second.mul_(0.999).add_(0.001 * parameter.grad**2)
                root = (second / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
                parameter.sub_(rate * first / (1 - 0.9 ** (step + 1)) / root)
                parameter.grad = None
    for ours, other in zip(block.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-7, atol=1e-9)
        assert ours.grad is None
    assert found.before == pytest.approx(held_error(Block(1), texts, metric), rel=1e-9)
    assert found.after == pytest.approx(held_error(plain, texts, metric), rel=1e-6)
    assert found.after < found.before


def test_it_goes_as_far_as_held_out_tokens_gain(texts, metric, monkeypatch) -> None:
    """Each share of the way is tried here, one at a time."""
    for text in texts:  # others than those held out are wrong by a little
        text.states.ffn_sum[text.fit] += 0.05
    errors, ways = {}, {}
    for share in refinement.SHARES:
        with monkeypatch.context() as patched:
            patched.setattr(refinement, "SHARES", (share,))
            block = Block(1)
            errors[share] = refined(texts, block, metric).after
            assert errors[share] == pytest.approx(held_error(block, texts, metric), rel=1e-9)
            ways[share] = block.first.weight.detach() - Block(1).first.weight.detach()
    best = min(errors, key=errors.__getitem__)
    assert 0.25 < best < 1
    torch.testing.assert_close(ways[0.25] / 0.25, ways[1.0], rtol=1e-9, atol=1e-12)
    block = Block(1)
    assert refined(texts, block, metric).after == errors[best]
    moved = block.first.weight.detach() - Block(1).first.weight.detach()
    torch.testing.assert_close(moved, best * ways[1.0], rtol=1e-9, atol=1e-12)


def test_what_gains_nothing_on_held_out_tokens_stays_as_it_was(texts, metric) -> None:
    for text in texts:  # what is right for held-out tokens is wrong for the others
        with torch.no_grad():
            text.states.ffn_sum.copy_(Block(1)(text.states.slim))
            text.states.ffn_sum[text.fit] += 1
    block = Block(1)
    given = [*block.parameters()]
    found = refined(texts, block, metric)
    assert found.after == found.before
    assert all(one is other for one, other in zip(block.parameters(), given, strict=True))


def test_it_stops_where_nothing_is_gained_by_the_end_of_the_trial(
    texts, metric, monkeypatch
) -> None:
    steps: list[int] = []
    differentiate = refinement._Objective.differentiate

    def counted(*arguments: Any) -> None:
        steps.append(1)
        differentiate(*arguments)

    monkeypatch.setattr(refinement._Objective, "differentiate", counted)
    refined(texts, Block(1), metric, trial=0.25)
    assert len(steps) == 30
    steps.clear()
    for text in texts:
        with torch.no_grad():
            text.states.ffn_sum.copy_(Block(1)(text.states.slim))
            text.states.ffn_sum[text.fit] += 1
    refined(texts, Block(1), metric, trial=0.25)
    assert len(steps) == 7


def test_the_parameters_from_before_are_not_written_to(texts, metric) -> None:
    block = Block(1)
    given = [*block.parameters()]
    refined(texts, block, metric)
    for parameter, known in zip(given, Block(1).parameters(), strict=True):
        assert torch.equal(parameter, known)
        assert parameter.grad is None


def test_the_seed_settles_the_weights_to_the_bit(texts, metric) -> None:
    one, same, other = Block(1), Block(1), Block(1)
    for block, seed in ((one, 5), (same, 5), (other, 6)):
        refined(texts, block, metric, seed=seed)
    assert torch.equal(one.first.weight, same.first.weight)
    assert torch.equal(one.second.weight, same.second.weight)
    assert not torch.equal(one.first.weight, other.first.weight)


class ThreadRanks(Ranks):
    """Processes that are threads here: each waits for the others, and all have the same sum."""

    barrier: Barrier
    given: dict[int, Tensor]

    def total(self, value: Tensor) -> Tensor:
        self.barrier.wait()
        self.given[self.rank] = value
        self.barrier.wait()
        return torch.stack([self.given[rank] for rank in range(self.count)]).sum(dim=0)


def test_processes_that_share_the_texts_find_the_maps_of_one(texts, metric) -> None:
    texts += [batch(4, 5)]
    texts[2].states.ffn_sum.zero_()
    alone = Block(1)
    wanted = refined(texts, alone, metric)
    barrier, given, blocks = Barrier(2), {}, [Block(1), Block(1)]

    def run(rank: int) -> RefinedError:
        ranks = ThreadRanks(rank, 2)
        vars(ranks).update(barrier=barrier, given=given)
        return refined(ranks.share(texts), blocks[rank], metric, ranks=ranks)

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(run, range(2)))
    assert found[0] == found[1]
    assert found[0].before == pytest.approx(wanted.before, rel=1e-12)
    assert found[0].after == pytest.approx(wanted.after, rel=1e-9)
    assert wanted.after < wanted.before
    for one, other, by_one in zip(*(list(b.parameters()) for b in (*blocks, alone)), strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, by_one, rtol=1e-7, atol=1e-9)


def test_nothing_wanted_is_no_division_by_zero(texts, metric) -> None:
    for text in texts:
        text.states.ffn_sum.zero_()
    found = refined(texts, Block(1), metric)
    assert math.isfinite(found.after)
    assert found.after < found.before


def test_what_is_not_finite_is_refused(texts, metric) -> None:
    texts[0].states.slim[2, 0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"^layer 3 puts out numbers that are not finite"):
        refined(texts, Block(1), metric)
