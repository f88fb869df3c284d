"""One label a row or a word -> the id that the model's outputs have.

How labels are read is settled once, by the labels of all sources of a run together: a file that
lacks a class must not be read otherwise than the one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertslim.data.data_options import LabelsAs
from bertslim.data.label_ways import Finder, are_generic, fold, ways_to_find, whole_number
from bertslim.data.labels import HIDDEN, REMEDY, Declared, LabelRule, RawLabels, words_of
from bertslim.errors import DataError
from bertslim.wording import counted, listed

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True)
class ClassRule(LabelRule):
    """One label a row.

    Attributes:
        ids: The id of each label as a word, by the classes that the source declares.
    """

    ids: Mapping[Declared, Mapping[str, int]] | None = None

    def read(self, labels: RawLabels) -> tuple[int, ...]:
        """Return the id of each label."""
        ids = (self.ids or {})[labels.class_names]
        return tuple(ids[word] for word, _ in words_of(labels))


def settle_labels(
    sources: Sequence[RawLabels],
    *,
    model_names: Sequence[str] | None,
    labels_as: LabelsAs | None = None,
) -> ClassRule:
    """Settle how labels become ids, by those of all sources.

    With the model's names all labels are taken by name if all have one, regardless of case where
    they need it, else by number (2, LABEL_2, or the class's own number in the data). Without, the
    ids number the data's own classes: as the data do, else in numerical or alphabetical order.

    Args:
        sources: The labels of each.
        model_names: The model's names in the order of its ids, if known.
        labels_as: The reading that is to be taken.

    Raises:
        DataError: A row has no label, something that cannot be one, or one unknown to the model.
    """
    if labels_as == "vectors":
        raise DataError(
            "vectors hold several labels a row, and here a row has one",
            where="--labels-as",
            remedy="use names or ids",
        )
    groups: dict[Declared, list[RawLabels]] = {}
    for labels in sources:
        groups.setdefault(labels.class_names, []).append(labels)
    if model_names is not None:
        return _joined([_of_model(group, model_names, labels_as) for group in groups.values()])
    declared = [names for names in groups if names is not None]
    if not declared:
        return _own_classes(sources)
    _check_declared_alike(groups, declared)
    rules = [_declared_classes(groups[declared[0]])]
    if None in groups:
        rules.append(_of_model(groups[None], declared[0], labels_as, whose="the data's"))
    return _joined(rules)


def _joined(rules: Sequence[ClassRule]) -> ClassRule:
    """Make one rule of those for sources that declare their classes and those that do not."""
    return ClassRule(
        rules[0].names,
        "; ".join(dict.fromkeys(rule.account for rule in rules)),
        next((rule.labels_as for rule in rules if rule.labels_as), None),
        tuple(dict.fromkeys(note for rule in rules for note in rule.notes)),
        {declared: ids for rule in rules for declared, ids in (rule.ids or {}).items()},
    )


def _check_declared_alike(
    groups: Mapping[Declared, list[RawLabels]], declared: Sequence[tuple[str, ...]]
) -> None:
    for other in declared[1:]:
        raise DataError(
            f"the labels are {listed(other)}, "
            f"those of {groups[declared[0]][0].source} are {listed(declared[0])}",
            where=groups[other][0].source,
        )


def _declared_classes(sources: Sequence[RawLabels]) -> ClassRule:
    names = sources[0].class_names or ()
    for labels in sources:
        list(words_of(labels))
    ids = {name: number for number, name in enumerate(names)}
    account = f"{_classes(names)}, numbered as the data declare them"
    return ClassRule(tuple(names), account, ids={names: ids})


def _own_classes(sources: Sequence[RawLabels]) -> ClassRule:
    """Number the classes that the data have."""
    words = dict.fromkeys(word for labels in sources for word, _ in words_of(labels))
    numbers = {word: number for word in words if (number := whole_number(word)) is not None}
    if len(numbers) == len(words):
        places = {number: place for place, number in enumerate(sorted(set(numbers.values())))}
        ids = {word: places[number] for word, number in numbers.items()}
        names, order = tuple(map(str, places)), "numerical"
    elif all(_NUMBER.fullmatch(word) for word in words):
        raise _scores_not_classes(sources)
    else:
        names, order = tuple(sorted(words)), "alphabetical"
        ids = {name: place for place, name in enumerate(names)}
    account = f"{_classes(names)}, numbered in {order} order"
    return ClassRule(names, account, ids={None: ids})


def _scores_not_classes(sources: Sequence[RawLabels]) -> DataError:
    source, score = next(
        (labels.source, word)
        for labels in sources
        for word, _ in words_of(labels)
        if whole_number(word) is None
    )
    return DataError(
        f"the labels are numbers such as {score}, not classes", where=source, remedy=REMEDY
    )


def _of_model(
    sources: Sequence[RawLabels],
    names: Sequence[str],
    labels_as: LabelsAs | None,
    *,
    whose: str = "the model's",
) -> ClassRule:
    """Settle the rule for sources that declare the same classes or, all of them, none."""
    class_names = sources[0].class_names
    words = dict.fromkeys(word for labels in sources for word, _ in words_of(labels))
    found = {
        way: _all_found(finder, words) for way, finder in ways_to_find(class_names, names).items()
    }
    fitting = [way for way in found if way.accepts(labels_as) and len(found[way]) == len(words)]
    if not fitting:
        tried = [found[way] for way in found if way.accepts(labels_as)]
        raise _unknown(sources, tried, names, labels_as)
    way = fitting[0]
    ids = found[way]
    if class_names is None and any(found[other] != ids for other in fitting[1:]):
        raise DataError(
            f"the labels {listed(sorted(words))} are names of {whose} classes and ids of others",
            where=sources[0].source,
            remedy="choose with --labels-as names or --labels-as ids",
        )
    account = f"{_classes(names)}, read as {way.account.format(whose=whose)}"
    notes = _notes_on_numbers(ids, class_names, names)
    return ClassRule(
        tuple(names), account, None if class_names else way.name, notes, {class_names: ids}
    )


def _all_found(finder: Finder, words: Mapping[str, None]) -> dict[str, int]:
    return {word: number for word in words if (number := finder(word)) is not None}


def _unknown(
    sources: Sequence[RawLabels],
    found: Sequence[Mapping[str, int]],
    names: Sequence[str],
    labels_as: LabelsAs | None,
) -> DataError:
    """Name the first label that the model does not know, as the best of the ways sees it."""
    best = max(found, key=len)
    source, row, unknown = next(
        (labels.source, row, word)
        for labels in sources
        for word, row in words_of(labels)
        if word not in best
    )
    if unknown == HIDDEN:
        return DataError(
            f"row {row}: no label ({HIDDEN} hides it)", where=source, remedy="leave such rows out"
        )
    words = {word for labels in sources for word, _ in words_of(labels)}
    numbers = {number for word in words if (number := whole_number(word)) is not None}
    if len(numbers) == len(words) and min(numbers) == 1 and max(numbers) == len(names):
        return DataError(
            f"row {row}: the labels count from 1 to {len(names)}, the model's ids from 0 to "
            f"{len(names) - 1}",
            where=source,
            remedy="number them from 0, or write the model's names for them",
        )
    if labels_as is not None:
        return DataError(
            f"row {row}: {unknown!r} is none of the {labels_as} of the labels {listed(names)}",
            where=source,
            remedy=f"labels are read as {labels_as} here, --labels-as reads them otherwise",
        )
    if all(any(_knows_all(ids, labels) for ids in found) for labels in sources):
        other = next(labels.source for labels in sources if labels.source != source)
        return DataError(
            f"row {row}: the label {unknown!r} is read otherwise than those of {other}",
            where=source,
            remedy="write the labels of both in the same way, as names or as ids",
        )
    remedy = f"{REMEDY}, or compare the models on the texts alone with --task plain-text"
    if not numbers and are_generic(names):
        remedy = f"name the model's classes with id2label in its config.json; {remedy}"
    return DataError(
        f"row {row}: the model does not know the label {unknown!r}, its labels are {listed(names)}",
        where=source,
        remedy=remedy,
    )


def _knows_all(ids: Mapping[str, int], labels: RawLabels) -> bool:
    return all(word in ids for word, _ in words_of(labels))


def _classes(names: Sequence[str]) -> str:
    return counted(len(names), "class", "classes")


def _notes_on_numbers(
    ids: Mapping[str, int], class_names: Declared, names: Sequence[str]
) -> tuple[str, ...]:
    """Note where named classes of the data were taken for the model's classes by number alone."""
    unlike = [
        f"{word} is {names[number]}"
        for word, number in ids.items()
        if class_names is not None
        and fold(word) != fold(names[number])
        and not are_generic([names[number]])
        and whole_number(word) is None
    ]
    return (f"labels taken by number, not by name: {listed(unlike)}",) if unlike else ()
