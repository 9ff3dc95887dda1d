"""The registry: order, families, and what it says about names it does not hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgen.errors import UnknownName
from specgen.registry import Registry


def filled() -> Registry[int]:
    registry: Registry[int] = Registry("number")
    for name, value in (("two", 2), ("one", 1), ("three", 3)):
        registry.add(name, value)
    return registry


def power_of_two(member: str) -> int:
    if not member.isdigit():
        raise UnknownName("exponent", member, ["0", "1"])
    return 2 ** int(member)


@given(st.dictionaries(st.text(min_size=1), st.integers()))
def test_behaves_like_a_mapping_in_order_of_registration(entries: dict[str, int]) -> None:
    registry: Registry[int] = Registry("number")
    for name, value in entries.items():
        assert name not in registry
        assert registry.add(name, value) == value
    assert list(registry) == list(entries)
    assert len(registry) == len(entries)
    assert {name: registry[name] for name in registry} == entries
    assert all(name in registry for name in entries)


def test_a_taken_name_keeps_its_entry() -> None:
    registry = filled()
    with pytest.raises(ValueError, match="number 'one' is registered twice"):
        registry.add("one", 7)
    assert registry["one"] == 1
    assert len(registry) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("thre", "^unknown number 'thre'; did you mean 'three'\\?$"),
        ("THREE", "^unknown number 'THREE'; did you mean 'three'\\?$"),
        ("zzzz", "^unknown number 'zzzz'; known: one, three, two$"),
        ("", "^unknown number ''; known: one, three, two$"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    registry = filled()
    assert name not in registry
    with pytest.raises(UnknownName, match=message):
        registry[name]


class TestFamilies:
    def test_members_are_made_on_demand(self) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        assert registry["power:5"] == 32
        assert registry.families == ("power",)
        assert list(registry) == ["two", "one", "three"]
        assert "power:5" in registry
        assert "weak:5" not in registry
        assert 5 not in registry

    def test_a_bad_member_is_the_familys_business(self) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        with pytest.raises(UnknownName, match="unknown exponent 'x'; known: 0, 1"):
            registry["power:x"]

    def test_families_are_among_the_suggestions(self) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        with pytest.raises(UnknownName, match=r"known: one, power:<name>, three, two"):
            registry["zzzz"]
        with pytest.raises(UnknownName, match=r"did you mean 'power:<name>'"):
            registry["powr:name"]

    @pytest.mark.parametrize("name", ["power", "other:5", ":5"])
    def test_no_member(self, name: str) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        with pytest.raises(UnknownName, match=f"unknown number '{name}'"):
            registry[name]

    def test_an_entry_goes_before_a_family(self) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        registry.add("power:3", -1)
        assert registry["power:3"] == -1

    def test_a_taken_prefix(self) -> None:
        registry = filled()
        registry.add_family("power", power_of_two)
        with pytest.raises(ValueError, match="number family 'power' is registered twice"):
            registry.add_family("power", len)
        assert registry["power:2"] == 4
