"""Dataset cards: those of the project, and what makes one unusable."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from classify.cards import CARDS, CardFile, card_names, find_card, load_card
from specgen.errors import InputError

SHA = "0123456789abcdef" * 4
BODY = {
    "name": "made_up", "title": "t", "organism": "o", "assembly": "a", "release": "1", "licence": "l", "citation": "c",
    "files": [
        {"name": "one.fa.gz", "url": "https://example.org/pub/one.fa.gz", "sha256": SHA},
        {
            "name": "two.gtf.gz", "url": "http://example.org/2.gtf.gz", "bytes": 5,
            "checksums": {"kind": "bsd_sum", "url": "http://example.org/CHECKSUMS"},
        },
    ],
}  # fmt: skip
GONE = object()


def write(folder, body, name="made_up.yaml"):
    path = folder / name
    path.write_text(body if isinstance(body, str) else yaml.safe_dump(body))
    return path


def test_a_card(tmp_path):
    card = load_card(write(tmp_path, BODY))
    assert card.files[0].known == {"sha256": SHA}
    assert card.files[0].checksums is None
    assert card.files[1].known == {}
    assert card.files[1].listed_name == "2.gtf.gz"
    assert card.files[1].bytes == 5
    assert card.leaks.left == []


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (["licens"], "x", "unknown key 'licens'; did you mean 'licence' or"),
        (["zzz"], "x", "unknown key 'zzz'; known: name, title, organism"),
        ([3], "x", "unknown key 3; known"),
        ([""], "x", "unknown key ''; known"),
        (["licence"], GONE, "licence: expected this key, found none"),
        (["licence"], " ", "licence: expected text, got none"),
        (["release"], 113, "release: expected text, got 113 (put it in quotes)"),
        (["labels"], ["a"], "labels: expected a mapping, got ['a']"),
        (["labels"], {1: "a"}, "labels: a key: expected text, got 1 (put it in quotes)"),
        (["leaks"], {"lft": []}, "leaks: unknown key 'lft'; did you mean 'left'?"),
        (["leaks"], {"left": "x"}, "leaks.left: expected a list, got 'x'"),
        (["files"], [], "files: expected at least one, got none"),
        (["files"], {}, "files: expected a list, got {}"),
        (["files", 0], "x", "files[0]: expected a mapping, got 'x'"),
        (["name"], "../made_up", "name: expected the plain name of a file"),
        (["name"], "other", "name: expected 'made_up', as the file is called, got 'other'"),
        (["files", 1, "ulr"], "x", "files[1]: unknown key 'ulr'; did you mean 'url'?"),
        (["files", 1, "name"], GONE, "files[1].name: expected this key, found none"),
        (["files", 1, "name"], "ONE.fa.gz", "files: two are named 'one.fa.gz' (case aside)"),
        (["files", 1, "name"], "x.part", "files[1].name: 'x.part': names that end in .part are taken"),
        (["files", 1, "name"], "x.lock.json", "files[1].name: 'x.lock.json': names that end in .lock.json are taken"),
        (["files", 0, "sha256"], SHA[1:], "files[0].sha256: expected 64 hexadecimal digits"),
        (["files", 0, "sha256"], 12, "files[0].sha256: expected text, got 12 (put it in quotes)"),
        (["files", 0, "sha256"], GONE, "files[0].checksums: expected this key or one of sha256, md5, bsd_sum, found none"),
        (["files", 1, "checksums"], GONE, "files[1].checksums: expected this key or one of sha256, md5, bsd_sum"),
        (["files", 1, "checksums", "kind"], "crc", "files[1].checksums.kind: expected one of sha256, md5, bsd_sum, got 'crc'"),
        (["files", 1, "checksums", "url"], "CHECKSUMS", "files[1].checksums.url: expected an http or https address"),
        (["files", 1, "url"], "", "files[1].url: expected the address of a file, since checksums names a list, got ''"),
        (["files", 1, "url"], "http://example.org/", "files[1].url: expected the address of a file"),
        (["files", 1, "bytes"], 0, "files[1].bytes: expected a whole number above 0, got 0"),
        (["files", 1, "bytes"], True, "files[1].bytes: expected a whole number, got True"),
        (["files", 1, "bytes"], "5", "files[1].bytes: expected a whole number, got '5'"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else None,
)  # fmt: skip
def test_what_is_no_card(tmp_path, place, value, match):
    body = copy.deepcopy(BODY)
    inner = body
    for key in place[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    path = write(tmp_path, body)
    with pytest.raises(InputError) as caught:
        load_card(path)
    assert str(caught.value).startswith(f"{path}: {match}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "match"),
    [("a: [", "is no YAML"), ("- a\n", "expected a mapping of settings, got list"), (None, "cannot be read")],
)
def test_what_is_no_yaml(tmp_path, body, match):
    path = tmp_path / "x.yaml" if body is None else write(tmp_path, body)
    with pytest.raises(InputError, match=match):
        load_card(path)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "a/b", "/etc/passwd", "../x", "a\\b", "C:x", ".hidden", "-rf", "a\0b", "a\nb", "a b", "x" * 201, "ДНК",
        "a.", "$(id)", "%2e%2e", "~",
    ],
)  # fmt: skip
def test_names_are_no_paths(name):
    with pytest.raises(InputError, match=r"^name: expected the plain name of a file"):
        CardFile(name=name, sha256=SHA)


@given(st.text(max_size=20) | st.from_regex(r"[A-Za-z0-9./\\ -]{1,20}", fullmatch=True))
def test_accepted_names_stay_in_the_folder(name):
    try:
        CardFile(name=name, sha256=SHA)
    except InputError:
        return
    folder = Path("/some/where")
    assert (folder / name).parent == folder
    assert (folder / name).name == name
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    "url",
    ["ftp://e.org/x", "file:///etc/passwd", "x", "https://", "https:///x", "http://e.org/a b", "http://e.org/a\nb",
     "http://e.org:x/", "http://e.org:0/x", "http://[::1/x", "http://é.org/x"],
)  # fmt: skip
def test_addresses(url):
    with pytest.raises(InputError, match=r"^url: expected an http or https address"):
        CardFile(name="x", url=url, sha256=SHA)


def test_cards_are_found(tmp_path):
    assert find_card("ensembl_human") == CARDS / "ensembl_human.yaml"
    assert find_card(str(tmp_path / "x.yml")) == tmp_path / "x.yml"
    with pytest.raises(InputError, match="unknown card 'ensembl_humn'; did you mean 'ensembl_human'"):
        find_card("ensembl_humn")


@pytest.mark.parametrize("name", card_names())
def test_our_cards(name):
    card = load_card(find_card(name))
    assert card.leaks.left
    assert card.split
    for file in card.files:
        assert not file.label or file.label in card.labels


@pytest.mark.parametrize(("name", "assembly"), [("ensembl_human", "GRCh38"), ("ensembl_mouse", "GRCm39")])
def test_ensembl_cards(name, assembly):
    card = load_card(find_card(name))
    genome, genes = card.files
    assert card.assembly == assembly
    assert genome.name.endswith(f".{assembly}.dna.primary_assembly.fa.gz")
    assert genes.name.endswith(f".{assembly}.113.gtf.gz")
    for file in card.files:
        assert not file.known  # nobody has seen them yet
        assert file.bytes is None
        assert file.url.startswith("https://ftp.ensembl.org/pub/release-113/")
        assert file.listed_name == file.name
        assert file.checksums.kind == "bsd_sum"
        assert file.checksums.url == file.url.removesuffix(file.name) + "CHECKSUMS"
