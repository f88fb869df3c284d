"""An analysis in words, tables and pictures."""

from __future__ import annotations

import pytest

from bertslim.records import Analysis
from bertslim.report.analysis_sections import analysis_sections, analysis_text, cka_table, title_of
from bertslim.report.section import pictures_of
from bertslim.report.svg import ON_PAPER
from support.analyses import LAYERS, analysis
from support.example_records import cut_record

RECORD = cut_record()


@pytest.fixture(params=[1, 2], ids=["one model", "two models"])
def found(request: pytest.FixtureRequest) -> Analysis:
    slim = RECORD.slim if request.param == 2 else None
    return analysis(RECORD.base, slim, RECORD.data, RECORD.environment)


def test_one_model_is_called_the_model_two_are_base_and_slim(found: Analysis) -> None:
    text = analysis_text(found)
    if found.slim is None:
        assert "### Within the model, after FFN" in text
        assert "base" not in text.partition("\n")[2]
    else:
        assert "### Within the slim model, after attention" in text
        assert "a row a layer of the base, a column one of the slim model" in text
        assert "### After attention | layer | base | slim model |" in " ".join(text.split())


def test_every_picture_has_a_name_of_its_own(found: Analysis) -> None:
    names = [picture.name for picture in pictures_of(analysis_sections(found))]
    assert len(set(names)) == len(names)
    within = ["cka-base-attention", "cka-base-ffn"]
    assert set(within) < set(names)
    assert ("cka-base-slim-ffn" in names) is (found.slim is not None)
    assert {"probes-attention", "probes-ffn", "sensitivity"} < set(names)


def test_pictures_can_be_drawn_for_paper(found: Analysis) -> None:
    drawn = [picture.draw(ON_PAPER) for picture in pictures_of(analysis_sections(found))]
    assert drawn
    assert not any("var(" in one.markup() for one in drawn)


def test_cka_that_is_not_defined_is_left_open(found: Analysis) -> None:
    table = cka_table(found.cka.matrices[0])
    assert table.rows[0][1] == "–"
    assert len(table.rows) == LAYERS


def test_paths_stay_out(found: Analysis) -> None:
    assert "/" not in title_of(found)
