"""What was tried is read back as it was, by the same search alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertslim.errors import OutputError
from bertslim.search.levels import LayerLevels, Level, possible_choices
from bertslim.search.problem import Problem
from bertslim.search.trials import Candidate
from bertslim.search.tried_file import TriedFile, tried_path
from support.checkpoints import facts_of
from support.searched import made_up_table


@pytest.fixture
def problem(tiny_model) -> Problem:
    facts = facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=2))
    choices = possible_choices(facts)
    return Problem(facts, choices, {}, made_up_table(choices[0]))


def test_candidates_are_read_back_by_the_same_search_alone(
    problem: Problem, tmp_path: Path
) -> None:
    half = LayerLevels(Level("attention", "narrowed", 2), Level("ffn", "linear"))
    tried = {
        configuration: Candidate(configuration, 0.1 / 3, texts)
        for configuration, texts in (((half, None), 64), (problem.kept, 1024))
    }
    path = tried_path(tmp_path / "found")
    assert path.parent == tmp_path
    TriedFile(path, {"seed": 0}).write(problem, tried)
    assert TriedFile(path, {"seed": 0}).read(problem) == tried
    with pytest.raises(OutputError, match="another one"):
        TriedFile(path, {"seed": 1}).read(problem)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(OutputError, match="damaged"):
        TriedFile(path, {"seed": 0}).read(problem)


def test_it_is_written_now_and_then(problem: Problem, tmp_path: Path) -> None:
    file = TriedFile(tmp_path / "tried", {})
    file.write_now_and_then(problem, {})
    assert not file.path.exists()
    file.written -= 60
    file.write_now_and_then(problem, {})
    assert file.read(problem) == {}
