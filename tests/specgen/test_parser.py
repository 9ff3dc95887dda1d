"""Settings files that no one should have to wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from specgen.errors import InputError
from specgen.parser import load_settings

LAUGHS = "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: " + "[" * 2000, "nested too deeply"),
        ("- " * 3000, "nested too deeply"),
        ("a: &a [*a]\n", "repeats itself|holds itself"),
        (LAUGHS, "repeats itself by its aliases"),
        ('a: "\\uD800"\n', "is no YAML .*surrogates not allowed"),
        ('"\\U0000d800": 1\n', "is no YAML .*surrogates not allowed"),
        ("a: 1" + "0" * 400 + "\n", r"is no YAML \(a number of 401 digits\)"),
        ("a: 2001-99-99\n", "is no YAML"),
        ("a: !!bool x\n", "is no YAML"),
        ("a: !!timestamp x\n", "is no YAML"),
        ("a: 0b_\n", "is no YAML"),
        ("a: " + "9" * 5000 + "\n", "is no YAML"),
        ("a: !!python/object/apply:os.system [id]\n", "is no YAML"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=match) as caught:
        load_settings(str(tmp_path / "x.yaml"))
    assert "x.yaml: " in str(caught.value)


def test_aliases_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: &n [1, 2]\nb: *n\nc: {d: *n}\n")
    assert load_settings(str(tmp_path / "x.yaml")) == {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}
