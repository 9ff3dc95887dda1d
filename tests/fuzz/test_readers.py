"""Whatever a file holds, its reader reads it or refuses it in one line: no other error, no crash, no hang, no gigabyte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest
from damage import damaged, recipes
from hypothesis import HealthCheck, Phase, given, settings
from report_readers import AGAIN, READERS, Case
from sandbox import Sandbox

Wrong = Callable[[bytes], str]

FEW, MANY = 100, 1000
"""Distinct inputs of a reader in `make test`, and in `make test-all`."""

EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in AGAIN else []) for name in READERS]


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Those that the chosen tests ask for."""
    wanted = {
        item.callspec.params["name"]  # type: ignore[attr-defined]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    }
    return {name: READERS[name](tmp_path_factory.mktemp(name)) for name in READERS if name in wanted}


@pytest.fixture(scope="module")
def sandbox(cases: dict[str, Case]) -> Iterator[Sandbox]:
    made = Sandbox({name: (case.read, case.path) for name, case in cases.items()})
    yield made
    made.close()


@pytest.fixture
def wrong(name: str, sandbox: Sandbox) -> Wrong:
    """What was wrong with the reading of an input, and the input, so that a test of its own can be made of it."""

    def told(data: bytes) -> str:
        fault = sandbox(name, data)
        return fault and f"{fault}\n{len(data)} bytes: {data[:1500]!r}"

    return told


def survives(case: Case, wrong: Wrong, wanted: int) -> None:
    """So many distinct inputs, the same in every run."""
    seen: set[bytes] = set()

    @settings(
        max_examples=wanted * 3 // 2, deadline=None, derandomize=True, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(recipes)
    def check(recipe: bytes) -> None:
        data = damaged(recipe, case.seeds, case.text, case.pack)
        key = hashlib.md5(data, usedforsecurity=False).digest()
        if key not in seen and len(seen) < wanted:
            assert not (fault := wrong(data)), fault
            seen.add(key)

    check()
    assert len(seen) == wanted


@pytest.mark.parametrize("name", EVERY)
def test_damage_is_read_or_refused(name: str, cases: dict[str, Case], wrong: Wrong) -> None:
    """Good files are read; damaged ones, and an empty one, are read or refused."""
    case = cases[name]
    for seed in case.seeds:
        good = seed if case.pack is None else case.pack(seed)
        case.path.write_bytes(good)
        case.read(case.path)
        assert wrong(good) == ""
    assert wrong(b"") == ""
    survives(cases[name], wrong, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(READERS))
def test_much_damage_is_read_or_refused(name: str, cases: dict[str, Case], wrong: Wrong) -> None:
    survives(cases[name], wrong, MANY)


@pytest.mark.parametrize("name", ["matlab_5", "matlab_73", "prepared_set", "png", "pictures_hdf5"])
def test_headers_that_tell_of_gigabytes(name: str, cases: dict[str, Case], wrong: Wrong) -> None:
    for data in cases[name].bombs():
        assert wrong(data) == ""


PACKED = [name for name in READERS if name.endswith("_gzip")]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "fasta_gzip" else [pytest.mark.slow]) for n in PACKED]
)
def test_decompression_bombs(name: str, cases: dict[str, Case], wrong: Wrong) -> None:
    """Two gigabytes of one letter, of blank lines, of one good line, of nothing that is text, in two megabytes."""
    for data in cases[name].bombs():
        assert wrong(data) == ""
