"""The coding task: simulated, from FASTA files, from pictures of this program and of others; what is dropped, and why."""

import gzip
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from classify.splits import SplitSettings
from classify.tasks import TASKS
from classify.tasks.coding import CodingSettings, CodingTask
from specgen.errors import InputError
from specgen.jobs import render
from specgen.selection import WindowSettings
from specgen.sequences import decode
from specgen.settings import ImageSettings, SpectrogramSettings
from specgen.simulate import SimulationSettings

SPLIT = SplitSettings(test_chromosomes=["chr1"], val_chromosomes=["2"])
SMALL = SimulationSettings(n=40, min_length=630, max_length=700)


def load(**options):
    return CodingTask(CodingSettings(**options)).load()


def random_letters(rng, n):
    return "".join(rng.choice(list("ACGT"), n))


def cds(rng, n):
    """ATG ... stop of ``n`` letters."""
    return "ATG" + random_letters(rng, n - 6) + "TAA"


def write_fasta(path, records):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        for header, letters in records:
            file.write(f">{header}\n{letters}\n")
    return str(path)


def ensembl(name, gene, chromosome, kind="cds"):
    return f"{name} {kind} chromosome:GRCh38:{chromosome}:100:900:1 gene:{gene}.1 gene_biotype:x"


@pytest.fixture
def files(tmp_path):
    """Coding and non-coding files on chromosomes 1 to 4, ten records each a chromosome, and a few bad ones."""
    rng = np.random.default_rng(0)
    coding, noncoding = [], []
    for i in range(40):
        chromosome = i % 4 + 1
        coding.append((ensembl(f"ENST{i}", f"ENSG{i}", chromosome), cds(rng, 120)))
        noncoding.append((ensembl(f"ENSTN{i}", f"ENSGN{i}", chromosome, "ncrna"), random_letters(rng, 120)))
    coding.append((ensembl("ENST_short", "ENSG_short", 3), cds(rng, 77)))
    noncoding.append((ensembl("ENSTN_short", "ENSGN_short", 3), random_letters(rng, 20)))
    noncoding.append((ensembl("ENSTN_short2", "ENSGN_short2", 3), random_letters(rng, 77)))
    coding.append((ensembl("ENST_patch", "ENSG_patch", "CHR_HG126_PATCH"), cds(rng, 120)))
    return {
        "coding": [write_fasta(tmp_path / "coding.fa.gz", coding)],
        "noncoding": [write_fasta(tmp_path / "noncoding.fa", noncoding)],
        "length": 60,
        "split": SPLIT,
    }


def test_the_default_is_simulated():
    assert TASKS["coding"] is CodingTask
    examples = load(simulate=SMALL)
    assert examples.kind == "codes"
    assert examples.classes == ("LNSD", "CDN")
    assert set(examples.split) == {"train", "val", "test"}
    assert len(set(examples.ids)) == len(examples)
    assert examples.counts["records_read"] == {"LNSD": 40, "CDN": 40}
    for part in ("val", "test"):
        assert len(set(examples.part(part).per_class().values())) == 1
    again = load(simulate=SMALL)
    assert again.ids == examples.ids
    assert (again.split == examples.split).all()


def test_simulated_labels_are_the_truth():
    from specgen.simulate import simulate

    truth = {record.name: record for record in simulate(SMALL)}
    examples = load(simulate=SMALL)
    for name, label, codes in zip(examples.ids, examples.labels, examples.sequences, strict=True):
        assert truth[name].coding == bool(label)
        assert (codes == truth[name].codes[9:-9]).all()


def test_files_by_chromosome(files):
    examples = load(**files)
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "test"} == {"1"}
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "val"} == {"2"}
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "train"} == {"3", "4"}
    assert examples.per_class() == {"LNSD": 40, "CDN": 40}
    for name, group, label in zip(examples.ids, examples.groups, examples.labels, strict=True):
        assert group == name.replace("ENST", "ENSG")
        assert label == (not name.startswith("ENSTN"))
    assert set(examples.lengths) == {120}


def test_what_is_dropped_is_counted(files):
    counts = load(**files).counts
    assert counts["records_read"] == {"LNSD": 42, "CDN": 42}
    assert counts["shorter_than_crop_dropped"] == {"LNSD": 2, "CDN": 1}
    assert counts["chromosome_unknown_dropped"] == 1
    assert counts["records_without_gene_or_locus"] == 0
    assert counts["duplicates_dropped"] == counts["contradictory_duplicates_dropped"] == 0


def test_the_shortest_record_that_counts(files):
    # 60 nt of crop and 9 of trim at both ends: 78 letters are enough, 77 are not.
    counts = load(**{**files, "length": 59}).counts
    assert counts["shorter_than_crop_dropped"] == {"LNSD": 1, "CDN": 0}


def test_trim_takes_start_and_stop_codons_away(files):
    untrimmed = load(**files, trim=0)
    coding = [decode(codes) for codes, label in zip(untrimmed.sequences, untrimmed.labels, strict=True) if label]
    assert all(text.startswith("ATG") and text.endswith("TAA") for text in coding)
    trimmed = load(**files)
    for label in (0, 1):
        texts = [decode(c) for c, k in zip(trimmed.sequences, trimmed.labels, strict=True) if k == label]
        assert {len(text) for text in texts} == {120 - 18}
        # By chance 1 in 64; four of 40 and more happen once in 300.
        assert sum(text.startswith("ATG") for text in texts) < 4
        assert sum(text.endswith(("TAA", "TAG", "TGA")) for text in texts) < 8
    assert coding[0][9:-9] in {decode(codes) for codes in trimmed.sequences}


def test_none_is_long_enough(files):
    with pytest.raises(
        InputError, match=r"no sequence has the 318 nt needed .*84 records are shorter, the longest has 120"
    ):
        load(**{**files, "length": 300})


def test_one_class_is_left(files, tmp_path):
    long = write_fasta(tmp_path / "long.fa", [(ensembl("a", "g", 1), random_letters(np.random.default_rng(1), 400))])
    with pytest.raises(InputError, match="only CDN is left after filtering"):
        load(**{**files, "coding": [long], "length": 300, "split": SplitSettings()})


def test_a_class_without_test_groups(files, tmp_path):
    rng = np.random.default_rng(2)
    few = [(ensembl(f"E{i}", f"G{i}", i % 3 + 2), cds(rng, 120)) for i in range(9)]
    with pytest.raises(InputError, match=r"no test examples of CDN \(LNSD 10, CDN 0\)"):
        load(**{**files, "coding": [write_fasta(tmp_path / "few.fa", few)]})


def test_one_isoform_of_a_gene(tmp_path):
    rng = np.random.default_rng(3)
    rows = {kind: [] for kind in ("coding", "noncoding")}
    for kind, out in rows.items():
        for i in range(60):
            out.append((ensembl(f"{kind}{i}", f"G{kind}{i // 3}", i // 3 % 4 + 1), random_letters(rng, 120)))
    options = {kind: [write_fasta(tmp_path / f"{kind}.fa", out)] for kind, out in rows.items()}
    one = load(**options, length=60, split=SPLIT)
    assert one.per_class() == {"LNSD": 20, "CDN": 20}
    assert len(set(one.groups)) == 40
    assert one.counts["isoforms_left_out"] == 80
    assert load(**options, length=60, split=SPLIT, per_group=2).per_class() == {"LNSD": 40, "CDN": 40}
    assert load(**options, length=60, split=SPLIT, per_group=0).per_class() == {"LNSD": 60, "CDN": 60}


def test_equal_letters_under_two_labels_go(files, tmp_path):
    same = "ACGTTGCA" * 15
    extra_c = write_fasta(tmp_path / "c2.fa", [(ensembl("dup_c", "GD1", 3), same)])
    extra_n = write_fasta(tmp_path / "n2.fa", [(ensembl("dup_n", "GD2", 4), same)])
    examples = load(**{**files, "coding": files["coding"] + [extra_c], "noncoding": files["noncoding"] + [extra_n]})
    assert not {"dup_c", "dup_n"} & set(examples.ids)
    assert examples.counts["contradictory_duplicates_dropped"] == 2


def test_a_table_overrides_the_headers(files, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("id,gene,chromosome\nENST0,NEW,chr4\nENST_patch,,chr3\n")
    examples = load(**files, table=str(table))
    where = {name: i for i, name in enumerate(examples.ids)}
    i = where["ENST0"]
    assert (examples.groups[i], examples.chromosomes[i], examples.split[i]) == ("NEW", "4", "train")
    i = where["ENST_patch"]
    assert (examples.groups[i], examples.chromosomes[i]) == ("ENSG_patch", "3")


def test_headers_that_say_nothing_make_groups_of_one(tmp_path):
    rng = np.random.default_rng(4)
    options = {
        kind: [write_fasta(tmp_path / f"{kind}.fa", [(f"{kind}{i}", random_letters(rng, 90)) for i in range(60)])]
        for kind in ("coding", "noncoding")
    }
    examples = load(**options, length=60, split=SplitSettings(test_fraction=0.3, val_fraction=0.3))
    assert all(group == f"record:{name}" for group, name in zip(examples.groups, examples.ids, strict=True))
    assert examples.counts["records_without_gene_or_locus"] == 120
    with pytest.raises(InputError, match="the headers name no chromosome"):
        load(**options, length=60, split=SPLIT)


def test_overlapping_loci_stay_together(tmp_path):
    rng = np.random.default_rng(5)

    def header(kind, i):
        start = 1000 * (i // 2) + 10 * (i % 2) + 1
        return f"{kind}{i} range=chr{1 if kind == 'n' else 2}:{start}-{start + 500} strand=+"

    options = {
        kind: [
            write_fasta(tmp_path / f"{kind}.fa", [(header(kind[0], i), random_letters(rng, 90)) for i in range(120)])
        ]
        for kind in ("coding", "noncoding")
    }
    examples = load(
        **options, length=60, per_group=0, balance=False, split=SplitSettings(test_fraction=0.3, val_fraction=0.3)
    )
    assert len(examples) == 240
    assert len(set(examples.groups)) == 120
    for group in set(examples.groups):
        assert len({s for s, g in zip(examples.split, examples.groups, strict=True) if g == group}) == 1


def test_equal_names_in_two_files_stay_apart(tmp_path):
    rng = np.random.default_rng(6)
    options = {
        kind: [write_fasta(tmp_path / f"{kind}.fa", [(f"t{i}", random_letters(rng, 90)) for i in range(60)])]
        for kind in ("coding", "noncoding")
    }
    examples = load(**options, length=60, balance=False, split=SplitSettings(test_fraction=0.3, val_fraction=0.3))
    assert len(examples) == len(set(examples.ids)) == 120
    # Non-coding files are read first.
    assert {name for name, label in zip(examples.ids, examples.labels, strict=True) if label} == {
        f"t{i}#2" for i in range(60)
    }
    assert len(set(examples.groups)) == 120


def test_a_made_up_name_never_meets_a_real_one(tmp_path):
    rng = np.random.default_rng(6)
    coding = [("t", random_letters(rng, 90)), ("t#2", random_letters(rng, 90))]
    coding += [(f"c{i}", random_letters(rng, 90)) for i in range(60)]
    noncoding = [("t", random_letters(rng, 90))] + [(f"n{i}", random_letters(rng, 90)) for i in range(60)]
    examples = load(
        coding=[write_fasta(tmp_path / "c.fa", coding)], noncoding=[write_fasta(tmp_path / "n.fa", noncoding)],
        length=60, balance=False, split=SplitSettings(test_fraction=0.3, val_fraction=0.3),
    )  # fmt: skip
    assert len(set(examples.ids)) == len(examples) == 123


def test_root_and_variables(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HERE_IT_LIES", str(tmp_path))
    examples = load(**{**files, "coding": ["coding.fa.gz"], "noncoding": ["noncoding.fa"], "root": "$HERE_IT_LIES"})
    assert len(examples) == 80
    with pytest.raises(InputError, match=r"missing\.fa: no such file"):
        load(**{**files, "coding": ["missing.fa"], "root": str(tmp_path)})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"noncoding": ["x"]}, InputError, "noncoding files are given but no coding ones; expected both classes"),
        ({"coding": ["x"], "noncoding": ["y"], "images": "z"}, InputError, "either coding/noncoding files or images"),
        ({"trim": -1}, InputError, "trim, per_group of 0 or more"),
        ({"per_group": -1}, InputError, "per_group"),
        ({"classes": ["a", "a"]}, InputError, "two different names"),
    ],
)
def test_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        CodingSettings(**options)


def test_losses_and_probabilities():
    import torch

    logits, labels = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([0, 1])
    exponents = np.exp(logits.numpy())
    chances = exponents / exponents.sum(1, keepdims=True)
    cross = CodingTask(CodingSettings()).loss(logits, labels).item()
    assert cross == pytest.approx(-np.log([chances[0, 0], chances[1, 1]]).mean(), rel=1e-5)
    # Binary cross-entropy of the softmax of two outputs with one-hot targets is the same number.
    hit = np.array([[1, 0], [0, 1]])
    assert cross == pytest.approx(-np.log(np.where(hit, chances, 1 - chances)).mean(), rel=1e-5)
    assert CodingTask(CodingSettings()).probabilities(logits.double().numpy()) == pytest.approx(chances)
    assert CodingTask(CodingSettings()).probabilities(np.array([[1e4, -1e4]])) == pytest.approx(np.array([[1.0, 0.0]]))


# Pictures


def paint(path, seed, size=(224, 224), **options):
    """A picture of noise, made with Pillow alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **options)
    return path


@pytest.fixture
def foreign(tmp_path):
    """A folder that this program has not made: 20 pictures of each class, PNG and JPEG, three sizes."""
    folder = tmp_path / "pictures"
    for k, name in enumerate(("LNSD", "CDN")):
        for i in range(20):
            suffix = (".png", ".jpg", ".JPEG", ".PNG")[i % 4]
            paint(folder / name / f"p{i}{suffix}", 100 * k + i, ((224, 224), (300, 200), (64, 64))[i % 3])
        (folder / name / "notes.txt").write_text("not a picture")
    (folder / ".hidden").mkdir()
    return folder


FRACTIONS = SplitSettings(test_fraction=0.3, val_fraction=0.3)


def test_foreign_pictures(foreign):
    examples = load(images=str(foreign), split=FRACTIONS, balance=False)
    assert examples.kind == "pictures"
    assert len(examples) == 40
    assert examples.per_class() == {"LNSD": 20, "CDN": 20}
    assert examples.counts["pictures_read"] == {"LNSD": 20, "CDN": 20}
    assert examples.counts["pictures_without_gene"] == 40
    for name, label, picture in zip(examples.ids, examples.labels, examples.pictures, strict=True):
        assert name.split("/")[0] == ("LNSD", "CDN")[label]
        assert picture == (foreign / name, -1)


def test_foreign_pictures_of_any_size_become_batches(foreign):
    from classify.datasets import TileDataset

    examples = load(images=str(foreign), split=FRACTIONS, balance=False)
    pictures, _, _ = TileDataset(examples, 1).__getitems__(range(40))
    assert pictures.shape == (40, 3, 224, 224)
    assert pictures.float().std() > 5


def test_class_order_is_ours_not_the_listing(foreign):
    examples = load(images=str(foreign), classes=["CDN", "LNSD"], split=FRACTIONS, balance=False)
    assert {name.split("/")[0] for name, label in zip(examples.ids, examples.labels, strict=True) if label} == {"LNSD"}


def test_split_given_by_folders(tmp_path):
    for p, part in enumerate(("train", "val", "test")):
        for k, name in enumerate(("LNSD", "CDN")):
            for i in range(3 - p):
                paint(tmp_path / part / name / f"{i}.png", 100 * p + 10 * k + i, (32, 32))
    examples = load(images=str(tmp_path))
    assert [len(examples.part(part)) for part in ("train", "val", "test")] == [6, 4, 2]
    assert all(name.startswith(f"{s}/") for name, s in zip(examples.ids, examples.split, strict=True))


def test_split_folders_must_be_complete(tmp_path):
    paint(tmp_path / "train" / "CDN" / "a.png", 0)
    with pytest.raises(InputError, match="has train but not all of train, val, test"):
        load(images=str(tmp_path))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(path):
    """A PNG of 60,000 x 60,000 pixels in its header, and nothing behind it."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def corrupt(path):
    paint(path, 5)
    data = bytearray(path.read_bytes())
    data[1000:1100] = bytes(100)
    path.write_bytes(bytes(data))


def truncated(suffix):
    def make(path):
        paint(path.with_suffix(suffix), 5)
        path = path.with_suffix(suffix)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return make


def of_mode(mode, dtype=np.uint8, channels=None):
    def make(path):
        shape = (30, 30) if channels is None else (30, 30, channels)
        Image.fromarray(np.zeros(shape, dtype=dtype)).convert(mode).save(path)

    return make


def sixteen_bit(path):
    Image.fromarray(np.zeros((30, 30), dtype=np.uint16)).save(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"this is text"), "is no picture that Pillow can read; expected 8-bit RGB"),
        (lambda path: path.write_bytes(b""), "is no picture that Pillow can read"),
        (corrupt, "damaged picture"),
        (truncated(".png"), "damaged picture"),
        (truncated(".jpg"), "damaged picture"),
        (bomb, "damaged picture"),
        (sixteen_bit, "is a 16-bit picture; expected 8-bit RGB"),
        (of_mode("L"), "is a grey picture; expected 8-bit RGB"),
        (of_mode("LA"), "is a grey with alpha picture"),
        (of_mode("RGBA"), "is a RGBA .with alpha. picture; expected 8-bit RGB"),
        (of_mode("P"), "is a palette picture; expected 8-bit RGB"),
        (of_mode("1"), "is a black and white picture"),
    ],
    ids=["text", "empty", "corrupt", "png_cut", "jpg_cut", "bomb", "16bit", "grey", "LA", "RGBA", "palette", "1"],
)
def test_bad_pictures(foreign, make, message):
    make(foreign / "CDN" / "bad.png")
    with pytest.raises(InputError, match=message) as caught:
        load(images=str(foreign))
    assert str(foreign / "CDN" / "bad") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_class_folders(foreign):
    with pytest.raises(InputError, match=r"holds the class folders CDN, LNSD; expected no, yes \(set data.classes"):
        load(images=str(foreign), classes=["no", "yes"])
    (foreign / "third").mkdir()
    with pytest.raises(InputError, match="holds the class folders CDN, LNSD, third; expected LNSD, CDN"):
        load(images=str(foreign))


def test_folders_without_pictures(tmp_path):
    with pytest.raises(InputError, match="no such folder of pictures"):
        load(images=str(tmp_path / "none"))
    with pytest.raises(InputError, match="holds the class folders none; expected LNSD, CDN"):
        load(images=str(tmp_path))
    for name in ("LNSD", "CDN"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"holds no \.png or \.jpg pictures"):
        load(images=str(tmp_path))
    paint(tmp_path / "CDN" / "a.png", 0)
    with pytest.raises(InputError, match="only CDN is left"):
        load(images=str(tmp_path))


def test_equal_pictures_do_not_cross(foreign):
    (foreign / "CDN" / "copy.png").write_bytes((foreign / "CDN" / "p0.png").read_bytes())
    (foreign / "CDN" / "other.png").write_bytes((foreign / "LNSD" / "p0.png").read_bytes())
    examples = load(images=str(foreign), split=FRACTIONS, balance=False)
    assert examples.counts["duplicates_dropped"] == 1
    assert examples.counts["contradictory_duplicates_dropped"] == 2
    assert len(examples) == 42 - 3


def test_a_table_names_genes_and_chromosomes_of_pictures(foreign, tmp_path, monkeypatch):
    table = tmp_path / "t.csv"
    rows = [
        f"{name}/p{i}{('.png', '.jpg', '.JPEG', '.PNG')[i % 4]},G{name}{i // 2},chr{i // 2 % 3 + 1}"
        for name in ("LNSD", "CDN")
        for i in range(20)
    ]
    table.write_text("id,gene,chromosome\n" + "\n".join(rows) + "\n")
    examples = load(images=str(foreign), table=str(table), split=SPLIT, balance=False)
    assert examples.counts["pictures_without_gene"] == 0
    assert len(set(examples.groups)) == 20
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "test"} == {"1"}
    # The same variables as in data.root are filled in.
    monkeypatch.setenv("HERE_IT_LIES", str(tmp_path))
    assert load(images=str(foreign), table="$HERE_IT_LIES/t.csv", split=SPLIT, balance=False).ids == examples.ids


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A job of this program: 24 records of each class, two tiles a record, Ensembl headers on chromosomes 1 to 3."""
    folder = tmp_path_factory.mktemp("rendered")
    rng = np.random.default_rng(0)
    inputs = []
    for kind in ("LNSD", "CDN"):
        records = [
            (ensembl(f"{kind}{i}", f"G{kind}{i // 2}", i // 2 % 3 + 1), random_letters(rng, 240)) for i in range(24)
        ]
        inputs.append(write_fasta(folder / f"{kind}.fa", records))
    image = ImageSettings(spectrogram=SpectrogramSettings(window=99, n_fft=120, frames=20))
    windows = WindowSettings(length=120, place="tiles")
    done = render(inputs, [], folder / "job", image, windows, progress=False)
    assert done.written == 96
    return folder / "job"


def test_rendered_pictures(rendered):
    examples = load(images=str(rendered), split=FRACTIONS, balance=False)
    assert len(examples) == 96
    assert examples.per_class() == {"LNSD": 48, "CDN": 48}
    # Two tiles of one record never part.
    records = {}
    for name, part in zip(examples.ids, examples.split, strict=True):
        records.setdefault(name.rsplit("_", 1)[0], set()).add(str(part))
    assert len(records) == 48
    assert all(len(parts) == 1 for parts in records.values())


def test_rendered_pictures_know_gene_and_chromosome(rendered):
    # The manifest keeps the whole header, so that a gene's isoforms stay together and chromosomes can be held out.
    examples = load(images=str(rendered), split=SPLIT, balance=False)
    assert len(set(examples.groups)) == 24
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "test"} == {"1"}
    assert examples.counts["pictures_without_gene"] == 0


def test_a_damaged_manifest(foreign):
    (foreign / "manifest.csv").write_bytes(b"file,gene\n\xff\xfe,x\n")
    with pytest.raises(InputError, match=r"manifest\.csv: cannot be read"):
        load(images=str(foreign), split=FRACTIONS)


def test_a_foreign_manifest_with_genes_and_chromosomes(foreign):
    rows = [
        f"{path.relative_to(foreign).as_posix()},G{i},chr{i % 3 + 1}"
        for name in ("LNSD", "CDN")
        for i, path in enumerate(sorted(path for path in (foreign / name).iterdir() if path.suffix != ".txt"))
    ]
    (foreign / "manifest.csv").write_text("file,gene,chromosome\n" + "\n".join(rows) + "\n")
    examples = load(images=str(foreign), split=SPLIT, balance=False)
    assert {c for c, s in zip(examples.chromosomes, examples.split, strict=True) if s == "test"} == {"1"}
