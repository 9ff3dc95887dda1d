"""Cost in reports: means of what is known, figures, and what a page says of runs that are there and that are not."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

FOLDER = Path(__file__).resolve().parents[2] / "reports"
sys.path.insert(0, str(FOLDER))

import costs  # noqa: E402
from costs import COLUMNS, Costs, cost_table, draw, gather, write_costs  # noqa: E402
from pages import around  # noqa: E402


def row(model, value, half, seconds, **more):
    given = {**dict.fromkeys(COLUMNS), "cpu_seconds": seconds, "parameters": 1000.0, **more}
    return Costs(model, value, value - half, value + half, given, (("a", "b"), ("c",)))


def made(folder, value, **cost):
    folder.mkdir(parents=True)
    entry = {"value": value, "low": value - 0.1, "high": value + 0.2}
    told = {"metrics": {"auroc": entry, "f1": {}}, "cost": cost, "training": {"val_auroc": value + 0.1}}
    (folder / "metrics.json").write_text(json.dumps(told))
    return folder


def test_every_set_is_as_heavy_as_another(tmp_path):
    many = [made(tmp_path / f"a{i}", 0.8, cpu_seconds=10.0, peak_rss_bytes=100, examples_seen=40) for i in range(3)]
    one = made(tmp_path / "b", 0.6, cpu_seconds=30.0, peak_rss_bytes=None, examples_seen=60)
    found = gather("gru", [many, [one]], "auroc", "val_auroc")
    assert found.validation == pytest.approx(0.8)
    assert found.sets == (tuple(many), (one,))
    assert gather("gru", [many], "auroc", "val_loss").validation is None
    assert gather("gru", [many], "auroc").validation is None
    # Halves of .1 and .2 in both sets, and so of their mean.
    assert (found.value, found.low, found.high, found.runs) == pytest.approx((0.7, 0.6, 0.9, 4))
    assert found.costs["cpu_seconds"] == pytest.approx(20.0)
    assert found.costs["examples_per_cpu_second"] == pytest.approx((4 + 2) / 2)
    assert found.costs["peak_rss_bytes"] is None  # one does not tell: the mean of the others is not that of all
    assert found.costs["gpu_seconds"] is None
    assert gather("gru", [many, []], "auroc") is None
    assert gather("gru", [many], "f1") is None


def test_a_run_without_an_interval_keeps_its_value(tmp_path):
    runs = [made(tmp_path / name, 0.8, cpu_seconds=10.0) for name in "ab"]
    body = json.loads((runs[1] / "metrics.json").read_text())
    body["metrics"]["auroc"] |= {"low": None, "high": None}
    (runs[1] / "metrics.json").write_text(json.dumps(body))
    found = gather("gru", [runs], "auroc")
    assert (found.value, found.low, found.high, found.score) == (pytest.approx(0.8), None, None, "0.800")
    other = row("lstm", 0.7, 0.1, 20.0)
    assert "| 0.800 |" in cost_table([found, other], "AUROC")
    write_costs([found, other], tmp_path / "costs.csv")
    assert "gru,recurrent,2,0.8,,," in (tmp_path / "costs.csv").read_text()
    assert draw([found, other], tmp_path / "costs.png", "AUROC") == "costs.png"
    entries = [json.loads((run / "metrics.json").read_text())["metrics"]["auroc"] for run in runs]
    assert around(entries) == "0.800"
    assert around(entries[:1]) == "0.800 [0.700, 1.000]"


def test_tables_name_what_no_machine_told():
    rows = [row("gru", 0.8, 0.01, 90.0, peak_rss_bytes=2.0**20), row("conv3", 0.9, 0.01, 9.0)]
    lines = cost_table(rows, "AUROC").splitlines()
    assert lines[0] == "| model | runs | AUROC | parameters | CPU s | peak MiB |"
    assert [line.split("|")[1].strip() for line in lines[2:4]] == ["`conv3`", "`gru`"]
    assert lines[2].endswith("| not told |")
    assert lines[3].endswith("| 1 |")
    assert "energy of the GPU" in lines[-1]
    assert " 0 " not in lines[2]
    assert cost_table(rows, "perplexity", higher=False).splitlines()[2].startswith("| `gru` |")


def test_figures_and_csv(tmp_path):
    rows = [
        row("gru", 0.8, 0.01, 90.0),
        row("specnet", 0.9, 0.01, 9.0),
        row("gc", 0.7, 0.01, 1.0),
        row("danq", 0.7, 0.1, 5.0),
    ]
    assert [one.family for one in rows] == ["recurrent", "picture", "regression", "recurrent"]
    assert draw(rows, tmp_path / "cost.png", "AUROC") == "cost.png"
    assert (tmp_path / "cost.png").read_bytes()[:4] == b"\x89PNG"
    bare = Costs("gru", 0.5, 0.4, 0.6, dict.fromkeys(COLUMNS))
    assert draw([bare], tmp_path / "none.png", "AUROC") == ""
    assert not (tmp_path / "none.png").exists()
    write_costs(rows, tmp_path / "cost.csv")
    with (tmp_path / "cost.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(line["cpu_seconds"]) for line in table] == [90.0, 9.0, 1.0, 5.0]
    assert {line["gpu_seconds"] for line in table} == {""}


def rendered(report, tables):
    name, _, page = report
    page.write_page(Path.cwd(), page.HERE, tables)
    return Path(f"reports/{name}/README.md").read_text()


@pytest.mark.parametrize("report", ["chromatin"], indirect=True)
def test_equal_parameters_are_equal(report):
    from classify.cost import parameter_count
    from classify.models import build_model

    for model, (option, value) in report[1].EQUAL.items():
        n = parameter_count(build_model(model, 1, {option: value}))
        assert n == pytest.approx(report[1].EQUAL_PARAMETERS, rel=0.05), model


@pytest.mark.parametrize("report", ["language"], indirect=True)
def test_equal_parameters_of_networks_of_the_next_base(report):
    from classify.cost import parameter_count
    from classify.models import build_model

    for model, width in report[1].EQUAL.items():
        n = parameter_count(build_model(model, 4, {"width": width}))
        assert n == pytest.approx(report[1].EQUAL_PARAMETERS, rel=0.05), model


@pytest.mark.parametrize("report", ["chromatin"], indirect=True)
def test_schedules(report):
    _, make, _ = report
    for model in make.SECONDS:
        for data in (*make.SETS.values(), make.TRACKS):
            epochs, steps = make.schedule(model, data)
            assert make.LOOKS <= epochs <= make.MOST_EPOCHS
            assert make.seen(model, data) >= min(make.LEAST, make.MOST_EPOCHS * data.windows) - data.windows
            long = make.expected(model, data, make.seen(model, data), epochs)
            # Nothing takes longer than its minutes but what sees no more than it has to.
            least = -(-make.LEAST // (make.LOOKS * make.BATCH)) if steps else 0
            assert long <= 60 * make.MINUTES + 5 or steps == least or (epochs - 1) * data.windows < make.LEAST


@pytest.mark.parametrize(("report", "most"), [("chromatin", 270), ("language", 300)], indirect=["report"])
def test_budgets(report, most):
    _, make, _ = report
    found = make.minutes()
    assert set(found) == {job.stage for first in make.everything() for job in first.all()}
    assert 0 < sum(found.values()) <= most


@pytest.mark.parametrize("report", ["chromatin"], indirect=True)
def test_three_seeds_of_what_conclusions_rest_on(report):
    _, make, _ = report
    names = [job.run for first in make.everything() for job in first.all() if job.run]
    for model in set(make.SECONDS) - set(make.ONCE):
        for name in make.OPEN:
            assert sum(run.startswith(f"runs/chromatin/{model}/{name}_s") for run in names) == 3
    for model in make.TRACKED:
        assert sum(run.startswith(f"runs/chromatin/{model}/tracks_chr22_s") for run in names) == 3


def body(value, names=(), seconds=60.0, **more):
    entry = {"value": value, "low": value - 0.02, "high": value + 0.02}
    told = {
        "cpu_seconds": seconds,
        "test_cpu_seconds": 6.0,
        "parameters": 10,
        "examples_per_second": 8.0,
        "peak_rss_bytes": 2**20,
        "examples_seen": 480,
    }
    return {
        "metrics": dict.fromkeys(("auroc", "auprc", "f1", "micro_f1", "perplexity", "bits_per_base"), entry),
        "features": [{"name": name, "f1": f1} for name, f1 in names],
        "cost": told,
        "training": {},
        **more,
    }


WINDOWS = 60


def finished(folder, text, noise=0.0, train_loss=1.30):
    """A run folder whose predictions are the truth and noise: of labels, and of bases."""
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(text))
    (folder / "report.html").touch()
    head = "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n"
    (folder / "metrics.csv").write_text(f"{head}1,1.35,.5,1.4,.5\n2,{train_loss},.5,1.4,.5\n")
    rng = np.random.default_rng(1)
    labels = np.arange(WINDOWS) % 2
    scores = 0.5 + np.arctan(labels - 0.5 + noise * rng.normal(size=WINDOWS)) / np.pi
    arrays = {"labels": labels[:, None].astype(np.int8), "probabilities": scores[:, None].astype(np.float32)}
    save_file(arrays, folder / "predictions.safetensors")
    rows = [f"w{i},g{i // 3},90,{1.9 + noise + 0.01 * rng.normal():.6g},0.4" for i in range(WINDOWS)]
    (folder / "predictions.csv").write_text("\n".join(["id,group,bases,bits_per_base,accuracy", *rows, ""]))


def everything_is_finished(page, monkeypatch):
    """Folders count without the jobs' own bookkeeping, which has tests of its own."""
    monkeypatch.setattr(page.CostTables, "finished", lambda self, folder: (folder / "report.html").is_file())


@pytest.mark.parametrize("report", ["chromatin"], indirect=True)
def test_chromatin_of_some_runs(report, monkeypatch):
    _, _, page = report
    everything_is_finished(page, monkeypatch)

    def validated(value, **more):
        return {"training": {"val_auroc": value, **more}}

    # The best on the test is not the one that validation chooses; the third is as good as that and cheaper.
    for seed in range(2):
        finished(Path(f"runs/chromatin/gru/vcm_open_s{seed}"), body(0.80 + seed / 100, **validated(0.9)), 0.5)
        finished(Path(f"runs/chromatin/lstm/vcm_open_s{seed}"), body(0.95, **validated(0.7)), 0.0)
        names = [("A_x", 0.5), ("B_x", 0.1), ("C_x", 0.4), ("D_x", None)]
        finished(Path(f"runs/chromatin/bigru/tracks_chr22_s{seed}"), body(0.6, names))
    finished(Path("runs/chromatin/onehot_cnn/vcm_open_s0"), body(0.8, seconds=20.0, **validated(0.6)), 0.5)
    finished(Path("runs/chromatin/kmer6/vcm_open_s0"), body(0.70, seconds=2.0, **validated(0.8)), 9.0)
    finished(
        Path("runs/chromatin/kmer_bag/tracks_chr22_s0"),
        body(0.6, [("A_x", 0.2), ("B_x", 0.3), ("C_x", 0.4), ("D_x", 0.1)]),
    )
    finished(Path("runs/chromatin/onehot_cnn/simulated_small_s0"), body(0.5))
    finished(Path("runs/chromatin/gru/vcm_open_time_s0"), body(0.5, **validated(0.5, out_of_cpu_minutes=True)))
    text = rendered(report, page.ChromatinTables)
    assert "**open chromatin, 600 nt**: take `onehot_cnn`, 0.800 [0.780, 0.820] in 20 CPU s: the cheapest" in text
    assert "validation chooses `gru` of 4: 0.805 [0.785, 0.825] in 60 CPU s. Difference +0.000" in text
    assert "by Holm for 2 comparisons" in text
    assert "**yeast ATAC, 500 nt**: not made yet" in text
    assert "| `gru` | 2 | 0.805 [0.785, 0.825] |" in text
    assert "than the regression on 6-mers on 1 of 1 sets, on 1 of them beyond chance; than that on" in text
    assert "as networks read them, on (not made yet)" in text
    assert "`bigru` ahead of `kmer_bag` on 1 of 3 tracks, behind on 1 " in text
    assert "| A_x | 0.500 | 0.200 |" in text
    assert "| `onehot_cnn` | 2,000 |" in text
    assert Path("reports/chromatin/cost_vcm_open.png").is_file()
    assert "The CPU budget ended 1 of 1 finished runs." in text
    # Nine runs of 66 s, and one each of 26 s and 8 s.
    assert f"the 11 of {len(page.ChromatinTables().wanted)} that are finished took 10 in training and test" in text
    missing = text[text.index("## What is missing") : text.index("## Protocol")]
    rest = "yeast_atac_s0, enhancers_s0, yeast_atac_s1, enhancers_s1, vcm_open_s2, yeast_atac_s2, enhancers_s2"
    assert f"`gru`: {rest}" in missing
    assert "- histone: 90 of 90 runs are missing." in missing


@pytest.mark.parametrize("report", ["language"], indirect=True)
def test_language_of_some_runs(report, monkeypatch):
    _, _, page = report
    everything_is_finished(page, monkeypatch)

    def chains(plain):
        scores = {"plain Markov chain of order 7": plain, "interpolated Markov chain of order 10": plain - 0.1}
        mixed = {"perplexity": 3.76, "repeated": 0.017, "perplexity_other": 3.8}
        return {"mixed Markov chain of orders to 20": mixed, **{name: {"perplexity": x} for name, x in scores.items()}}

    # The best on the test is not the one that validation chooses.
    for model, value, validation in (("gru_lm", 3.7, 1.31), ("clockwork_lm", 3.8, 1.32), ("dilated_lm", 3.69, 1.33)):
        told = {"bounds": chains(3.82), "training": {"val_loss": validation}}
        finished(Path(f"runs/language/{model}/ecoli_s0"), body(value, **told), 0.1 * (model == "clockwork_lm"))
    for name, value, plain in (("pieces", 3.7, 3.81), ("other_strand", 3.69, 3.6)):
        finished(Path(f"runs/language/dilated_lm/ecoli_split_{name}_s0"), body(value, bounds=chains(plain)))
    text = rendered(report, page.LanguageTables)
    assert (
        "***E. coli***: take `gru_lm`; validation chooses `gru_lm` of 3: 3.700 [3.680, 3.720] bits a base in 60 CPU s"
        in text
    )
    assert (
        "*E. coli*, at most 3.75: **yes**, 3.700 (`gru_lm`); the mixed chain **no**, 3.760, which is 3.800 but for the 1.7%"
        in text
    )
    assert "| mixed Markov chain |  |  | 3.760, order 20 |" in text
    assert "3 of 4 divisions made; no answer yet" in text
    assert "| plain Markov chain |  |  | 3.820, order 7 |" in text
    assert (
        "widths by default: 3.800 [3.780, 3.820] against 3.700 [3.680, 3.720] of `gru_lm`, 1.00 times as many windows a CPU s"
        in text
    )
    assert "| 3.669 |" in text  # e to 1.30
    assert "- ecoli: 12 of 15 runs are missing: " in text
    finished(Path("runs/language/dilated_lm/ecoli_split_all_s0"), body(3.65, bounds=chains(3.2)))
    text = rendered(report, page.LanguageTables)
    assert "It is reached under: as the first, and the other strand" in text
    assert "(the interpolated Markov chain of order 10: 3.100)" in text
    assert "On the clean division the lowest of these is 3.690." in text
    told = body(3.6, bounds=chains(3.82), training={"val_loss": 1.28})
    finished(Path("runs/language/dilated_lm/ecoli_long_s0"), told)
    text = rendered(report, page.LanguageTables)
    longer = "`dilated_lm`, windows of 500 nt, longer"
    assert f"*E. coli*, at most 3.75: **yes**, 3.600 ({longer})" in text
    assert f"| {longer} |  |  | 3.600 [3.580, 3.620] |  |" in text
    assert (
        f"It is reached under: twenty blocks, gaps of 1,000 nt, the other strand of training blocks learnt ({longer}: 3.600)"
        in text
    )
    assert "On the clean division" not in text
    assert f"Without any leak: {longer}, 3.600." in text


def test_the_families_have_colours_and_markers():
    assert set(costs.COLOURS) == set(costs.MARKERS)
