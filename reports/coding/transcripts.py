"""Verdicts on whole transcripts beside CPAT, on CPAT's own test set (Wang et al. 2013, published AUROC .9927).

    python reports/coding/transcripts.py                                     # the training sets, then the letters alone
    python -m classify train --config configs/coding/specnet.yaml --config configs/coding/transcripts.yaml
    python reports/coding/transcripts.py --runs runs/coding/specnet/default  # networks beside them

Each step is skipped when its files are there. Everything is chosen on validation transcripts: training data and cutoffs of the
regressions, and how the tiles of a network are pooled. The test set is scored with what was chosen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from transcript_scores import (
    LETTER_MODELS,
    REFERENCE,
    Scores,
    chosen_pool,
    columns,
    crossed,
    fitted,
    fusion_features,
    judged,
    table,
)
from transcript_sets import SOURCES, SPLIT, TEST, build_sets

from classify.evaluation import run_settings
from classify.headers import group_loci, parse_header
from classify.pooling import log_odds
from classify.prediction import tile_logits
from classify.runs import RunFolder
from classify.tiling import TilingSettings
from classify.transcripts import letter_features, transcript_hexamers
from specgen.errors import InputError
from specgen.files import expand, replacing, write_atomic
from specgen.ledger import identity
from specgen.parser import CommandParser
from specgen.records import Record, read_records

TRAINING = {
    "human": ("human_coding", "human_noncoding"),
    "human and mouse coding": ("human_coding", "mouse_coding", "human_noncoding"),
    "human and mouse": tuple(SOURCES),
}
"""Parts of the training sets that the regressions are fitted to; validation chooses."""


class Data(NamedTuple):
    """Transcripts that are scored; validation is all of it, of both species."""

    val_labels: NDArray[np.int64]
    val_groups: list[str]
    test_labels: NDArray[np.int64]
    test_groups: list[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the steps that are not done, and write the table."""
    parser = CommandParser(prog="python reports/coding/transcripts.py", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=str, default="$SPECGEN_DATA/coding_noncoding", help="folder of the FASTA files")
    parser.add_argument("--folder", type=str, default="runs/transcripts", help="where everything is written")
    parser.add_argument("--runs", type=str, nargs="+", default=[], help="run folders of networks trained on the sets")
    parser.add_argument("--stride", type=int, default=150, help="nt between the tiles of a transcript")
    parser.add_argument("--resamples", type=int, default=1000, help="of loci, for intervals")
    given = parser.parse_args(arguments)
    root, folder, runs = expand(given.data), Path(given.folder), [Path(run) for run in given.runs]
    if len({label(run) for run in runs}) < len(runs):
        raise InputError("--runs: two runs have the same model and name")
    for run in runs:
        check_run(run, folder / "sets")
    removed = build_sets(root, folder / "sets")
    print(f"{folder / 'sets'}: {removed['kept']}")
    frame = pd.read_csv(folder / "sets" / "records.csv", keep_default_na=False)
    held = frame[frame.split == "val"]
    test = list(test_records(root))
    loci = group_loci(parse_header(record.header) for record, _ in test)
    data = Data(
        held.coding.to_numpy(),
        held.group.tolist(),
        np.array([coding for _, coding in test]),
        [locus or f"record:{record.name}" for locus, (record, _) in zip(loci, test, strict=True)],
    )
    letters = letters_of(folder, frame, [record for record, _ in test])
    systems, chosen, tried = regressions(letters, frame, data)
    body: dict[str, Any] = {"training": {"chosen": chosen, "val_auroc": tried}, "pooling": {}, "stride": given.stride}
    pairs = [(name, REFERENCE) for name in LETTER_MODELS if name != REFERENCE]
    files = {"val": [folder / "sets" / "validation.fa.gz"], "test": [root / file for file in TEST.values()]}
    for run in runs:
        name = label(run)
        val, tested = (tiles_of(run, files[which], folder / "tiles", which, given.stride) for which in files)
        picture, body["pooling"][name] = chosen_pool(name, val, tested, data.val_labels, data.val_groups)
        fused = f"{name} + cpat"
        both = [fusion_features(t, letters[chosen][part]) for t, part in ((val, "val"), (tested, "test"))]
        about = "fusion: logistic regression on statistics of tiles and CPAT's features, fitted to validation"
        scores = crossed(both[0], data.val_labels, data.val_groups, both[1])
        systems += [picture, Scores(fused, about, *scores)]
        pairs += [(name, REFERENCE), (fused, REFERENCE), (fused, name)]
    pairs += [(label(one), label(other)) for i, one in enumerate(runs) for other in runs[:i]]
    groups = data.test_groups
    body |= judged(systems, data.val_labels, data.test_labels, groups, pairs, resamples=given.resamples)
    coding = int(data.test_labels.sum())
    body["test"] = {"coding": coding, "noncoding": len(groups) - coding, "loci": len(set(groups))}
    body |= {"resamples": given.resamples, "removed": removed}
    write_atomic(folder / "transcripts.json", json.dumps(body, indent=2) + "\n")
    write_atomic(folder / "transcripts.md", table(body))
    print(table(body))


def label(run: Path) -> str:
    """Model and name of a run."""
    return "/".join(run.resolve().parts[-2:])


def check_run(run: Path, sets: Path) -> None:
    """Refuse a network that may have learnt from test transcripts, or from those that choose.

    Raises
    ------
    InputError
        Its examples or its split are others.
    """
    data = run_settings(run).data
    files = [expand(data.root) / expand(file) for file in [*data.coding, *data.noncoding]]
    if not files or any(file.resolve().parent != sets.resolve() for file in files):
        raise InputError(f"{run}: was not trained on the files in {sets}, so its test would not be clean")
    if data.split != SPLIT or not data.table or expand(data.table).resolve() != (sets / "groups.csv").resolve():
        raise InputError(f"{run}: has another split; expected that of configs/coding/transcripts.yaml, with its table")


def test_records(root: Path) -> Iterable[tuple[Record, int]]:
    """The test set in its order, with labels."""
    for kind, file in TEST.items():
        for record in read_records(root / file):
            yield record, int(kind == "coding")


def letters_of(folder: Path, frame: pd.DataFrame, test: list[Record]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Features of all transcripts by training set (hexamer tables come from it): train, val, test; kept in letters.npz."""
    path, key = folder / "letters.npz", json.dumps(identity(str(folder / "sets" / "records.csv")))
    if not kept_for(path, key):
        records = [record for part in SOURCES for record in read_records(folder / "sets" / f"{part}.fa.gz")]
        assert [record.name for record in records] == frame.id.tolist()
        split, coding, part = (frame[column].to_numpy() for column in ("split", "coding", "part"))
        found: dict[str, NDArray[Any]] = {"key": np.array(key)}
        for name, parts in TRAINING.items():
            used = (split == "train") & np.isin(part, parts)
            of_class = [[records[i].codes for i in np.flatnonzero(used & (coding == c))] for c in (1, 0)]
            tables = transcript_hexamers(*of_class)
            found[f"{name}/train"] = letter_features((records[i].codes for i in np.flatnonzero(used)), tables)
            found[f"{name}/val"] = letter_features((records[i].codes for i in np.flatnonzero(split == "val")), tables)
            found[f"{name}/test"] = letter_features((record.codes for record in test), tables)
        save(path, found)
    with np.load(path) as kept:
        return {name: {which: kept[f"{name}/{which}"] for which in ("train", "val", "test")} for name in TRAINING}


def regressions(
    letters: dict[str, dict[str, NDArray[np.float64]]], frame: pd.DataFrame, data: Data
) -> tuple[list[Scores], str, dict[str, float]]:
    """The letter models on the training set that is best for CPAT's on validation; its name; what each gave there."""
    split, part = frame.split.to_numpy(), frame.part.to_numpy()
    labels = {
        name: frame.coding.to_numpy()[(split == "train") & np.isin(part, parts)] for name, parts in TRAINING.items()
    }

    def model(training: str, features: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        where, given = columns(features), letters[training]
        regression = fitted(given["train"][:, where], labels[training])
        return {which: regression.decision_function(given[which][:, where]) for which in ("val", "test")}

    tried = {}
    for training in TRAINING:
        scores = model(training, LETTER_MODELS[REFERENCE])
        tried[training] = float(roc_auc_score(data.val_labels, scores["val"]))
    chosen = max(tried, key=tried.__getitem__)
    found = []
    for name, features in LETTER_MODELS.items():
        found.append(Scores(name, f"logistic regression on {', '.join(features)}", **model(chosen, features)))
    return found, chosen, tried


def tiles_of(run: Path, sources: Sequence[Path], folder: Path, which: str, stride: int) -> list[NDArray[np.float32]]:
    """Log odds of the tiles of every transcript of the files, in order; kept while weights, stride and files are the same."""
    path = folder / f"{label(run).replace('/', '-')}-{which}.npz"
    told = [identity(str(RunFolder(run).weights)), stride, *(identity(str(file)) for file in sources)]
    key = json.dumps(told)
    if kept_for(path, key):
        with np.load(path) as kept:
            return np.split(kept["odds"], np.cumsum(kept["counts"])[:-1])
    found: list[NDArray[np.float32]] = []
    for file in sources:
        for tiled, logits in tile_logits(run, str(file), tiling=TilingSettings(stride=stride, short="pad")):
            assert len(logits), tiled.name
            found.append(log_odds(logits).astype(np.float32))
    save(path, {"odds": np.concatenate(found), "counts": np.array([len(odds) for odds in found]), "key": np.array(key)})
    return found


def kept_for(path: Path, key: str) -> bool:
    """Whether arrays are there, made from the same."""
    if not path.is_file():
        return False
    with np.load(path) as kept:
        return str(kept["key"]) == key


def save(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Arrays as a file, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **columns)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(f"transcripts: {error}", file=sys.stderr)
        sys.exit(2)
