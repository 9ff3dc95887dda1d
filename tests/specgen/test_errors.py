"""The error tree: what can be caught as what, and the text of a name that nobody knows."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgen.errors import InputError, SpecgenError, UnknownName, nearest


def test_tree() -> None:
    assert issubclass(UnknownName, InputError)
    assert issubclass(InputError, SpecgenError)
    assert issubclass(InputError, ValueError)
    assert not issubclass(SpecgenError, ValueError)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("hann", ["hann"], "'hann'"),
        ("HANN", ["hann", "kaiser"], "'hann'"),
        ("hannn", ["kaiser", "hann", "hanning"], "'hann' or 'hanning'"),
        ("abcd", ["abce", "abcf", "abcg", "abch"], None),
        ("q", ["hann"], ""),
        ("hann", [], ""),
        ("", ["hann"], ""),
    ],
)
def test_nearest(name: str, known: list[str], expected: str | None) -> None:
    got = nearest(name, known)
    if expected is None:
        assert got.count("'") == 6  # three at most
    else:
        assert got == expected


def test_nearest_finds_names_in_capitals() -> None:
    """matplotlib has PRGn, RdBu and the like."""
    assert nearest("PRGN", ["PRGn", "gray"]) == "'PRGn'"


@given(st.text(), st.lists(st.text(max_size=10), max_size=10))
def test_any_unknown_name_makes_a_message(name: str, known: list[str]) -> None:
    message = str(UnknownName("thing", name, known))
    assert message.startswith(f"unknown thing {name!r}; ")


def test_known_names_may_be_any_iterable_and_are_sorted() -> None:
    assert str(UnknownName("thing", "zzz", iter(["b", "a"]))) == "unknown thing 'zzz'; known: a, b"
    assert str(UnknownName("thing", "ab", {"abc": 1})) == "unknown thing 'ab'; did you mean 'abc'?"


def test_errors_cross_process_boundaries() -> None:
    """A worker process hands its error over by pickle."""
    for error in (InputError("bad"), UnknownName("thing", "zzz", ["a"])):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
