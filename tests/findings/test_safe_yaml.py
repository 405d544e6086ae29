"""YAML that others wrote, read in terms of JSON, without traps."""

import pytest

from findings import safe_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 2026-01-29T03:30:00+09:00", {"a": "2026-01-29T03:30:00+09:00"}),
        ("a: 2026-13-45", {"a": "2026-13-45"}),
        ("{1: [a, {b: !!set {c}}]}", {"1": ["a", {"b": ["c"]}]}),
        ("a: !!binary aGk=", {"a": "aGk="}),
        ("a: 'b*c'", {"a": "b*c"}),
    ],
)
def test_values_are_those_of_json(text: str, value: object) -> None:
    assert safe_yaml.load(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &b [x]\nc: *b", "an alias"),
        ("[" * 100_000 + "]" * 100_000, "nests deeper"),
        ("- " * 100_000, "nests deeper"),
        ("{a: " * 100_000 + "}" * 100_000, "nests deeper"),
        ("x" * (2**20 + 1), "larger than 1024 KiB"),
        ("a: !!python/name:os.system", "python/name"),
        ("? [a]\n: b", "unhashable"),
    ],
)
def test_traps_are_refused(text: str, reason: str) -> None:
    with pytest.raises(safe_yaml.ERRORS, match=reason):
        safe_yaml.load(text)


def test_aliases_are_let_through_where_they_are_wanted() -> None:
    safe_yaml.refuse_traps("a: &b [x]\nc: *b", aliases=True)
