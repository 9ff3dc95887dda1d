"""Cost in reports: means of what is known, what is recommended and why, and what a page says of runs that are not there."""

import csv
import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "reports"
sys.path.insert(0, str(FOLDER))

import costs  # noqa: E402
from costs import COLUMNS, Costs, cost_table, draw, gather, recommended, told, write_costs  # noqa: E402


def row(model, value, half, seconds, **more):
    given = {**dict.fromkeys(COLUMNS), "cpu_seconds": seconds, "parameters": 1000.0, **more}
    return Costs(model, value, value - half, value + half, given, 3)


def made(folder, value, **cost):
    folder.mkdir(parents=True)
    entry = {"value": value, "low": value - 0.1, "high": value + 0.2}
    (folder / "metrics.json").write_text(json.dumps({"metrics": {"auroc": entry, "f1": {}}, "cost": cost}))
    return folder


def test_every_set_is_as_heavy_as_another(tmp_path):
    many = [made(tmp_path / f"a{i}", 0.8, cpu_seconds=10.0, peak_rss_bytes=100) for i in range(3)]
    one = made(tmp_path / "b", 0.6, cpu_seconds=30.0, peak_rss_bytes=None)
    found = gather("gru", [many, [one]], "auroc")
    # Halves of .1 and .2 in both sets: of their mean, a square root of two less.
    assert (found.value, found.low, found.high, found.runs) == pytest.approx(
        (0.7, 0.7 - 0.1 / 2**0.5, 0.7 + 0.2 / 2**0.5, 4)
    )
    assert found.costs["cpu_seconds"] == pytest.approx(20.0)
    assert found.costs["peak_rss_bytes"] is None  # one does not tell: the mean of the others is not that of all
    assert found.costs["gpu_seconds"] is None
    assert gather("gru", [many, []], "auroc") is None
    assert gather("gru", [many], "f1") is None


def test_the_cheapest_whose_interval_reaches_the_best():
    rows = [
        row("danq", 0.90, 0.02, 900.0),
        row("gru", 0.87, 0.02, 90.0),
        row("lstm", 0.85, 0.02, 30.0),
        row("gc", 0.6, 0.02, 1.0),
    ]
    cheap, best = recommended(rows)
    assert (cheap.model, best.model) == ("gru", "danq")
    assert told(rows).startswith("Take `gru`: 0.870 [0.850, 0.890] in 90 CPU s. The best mean is that of `danq`")
    cheap, best = recommended(rows, higher=False)
    assert cheap is best
    assert "nothing cheaper reaches" in told(rows, higher=False)


def test_a_cost_that_is_not_known_is_not_cheap():
    rows = [row("gru", 0.9, 0.02, 90.0), row("lstm", 0.9, 0.02, None)]
    assert recommended(rows)[0].model == "gru"
    assert recommended(rows[1:]) is None
    assert "Not made yet" in told(rows[1:])
    assert "Not made yet" in told([])


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
    bare = Costs("gru", 0.5, 0.4, 0.6, dict.fromkeys(COLUMNS), 1)
    assert draw([bare], tmp_path / "none.png", "AUROC") == ""
    assert not (tmp_path / "none.png").exists()
    write_costs(rows, tmp_path / "cost.csv")
    with (tmp_path / "cost.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(line["cpu_seconds"]) for line in table] == [90.0, 9.0, 1.0, 5.0]
    assert {line["gpu_seconds"] for line in table} == {""}


@pytest.fixture
def report(request, tmp_path, monkeypatch):
    """``make`` and ``page`` of a report, in an empty place."""
    name = request.param
    monkeypatch.syspath_prepend(str(FOLDER / name))
    for module in ("make", "page"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    make, page = importlib.import_module("make"), importlib.import_module("page")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / name).mkdir(parents=True)
    (tmp_path / "reports" / name / "README.md.j2").write_text((FOLDER / name / "README.md.j2").read_text())
    yield name, make, page
    for module in ("make", "page"):
        sys.modules.pop(module, None)


BOTH = pytest.mark.parametrize("report", ["chromatin", "language"], indirect=True)


def rendered(report, tables):
    name, _, page = report
    page.write_page(Path.cwd(), page.HERE, tables)
    return Path(f"reports/{name}/README.md").read_text()


@BOTH
def test_a_page_without_runs(report):
    _, _, page = report
    cls = page.ChromatinTables if report[0] == "chromatin" else page.LanguageTables
    text = rendered(report, cls)
    assert "ot made yet" in text
    assert "None" not in text
    assert "nan" not in text


@BOTH
def test_jobs_name_configurations_models_and_folders_that_are_theirs(report):
    from classify.baselines import BASELINES
    from classify.models import MODELS

    jobs = [job for first in report[1].everything() for job in first.all()]
    assert len({job.done for job in jobs}) == len(jobs)
    for job in jobs:
        for word in job.arguments:
            assert not word.endswith(".yaml") or (FOLDER.parent / word).is_file()
        if job.run:
            model = job.arguments[job.arguments.index("--model") + 1]
            assert model in MODELS
            assert Path(job.run).parts[:3] == ("runs", report[0], model)
            assert Path(job.run).name == job.arguments[job.arguments.index("--name") + 1]
        elif "--only" in job.arguments:
            assert set(job.arguments[job.arguments.index("--only") + 1 :]) <= set(BASELINES)


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
            epochs, _ = make.schedule(model, data)
            assert 4 <= epochs <= make.MOST_EPOCHS
            assert make.seen(model, data) >= min(make.LEAST, make.MOST_EPOCHS * data.windows) - data.windows
            long = make.expected(model, data, make.seen(model, data))
            slowest = make.expected(model, data, make.LEAST + 4 * make.BATCH)
            assert long <= max(60 * make.MINUTES + 5, slowest)


def body(value, names=(), **more):
    entry = {"value": value, "low": value - 0.02, "high": value + 0.02}
    told = {
        "cpu_seconds": 60.0,
        "parameters": 10,
        "examples_per_second": 8.0,
        "peak_rss_bytes": 2**20,
        "examples_seen": 5,
    }
    return {
        "metrics": dict.fromkeys(("auroc", "auprc", "f1", "micro_f1", "perplexity"), entry),
        "features": [{"name": name, "f1": f1} for name, f1 in names],
        "cost": told,
        **more,
    }


def finished(folder, text, history=""):
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(text))
    (folder / "training.json").write_text(json.dumps({"cost": text["cost"]}))
    (folder / "report.html").touch()
    if history:
        (folder / "metrics.csv").write_text(history)


def everything_is_finished(page, monkeypatch):
    """Folders count without the jobs' own bookkeeping, which has tests of its own."""
    monkeypatch.setattr(page.Tables, "finished", lambda self, folder: (folder / "report.html").is_file())


@pytest.mark.parametrize("report", ["chromatin"], indirect=True)
def test_chromatin_of_some_runs(report, monkeypatch):
    _, _, page = report
    everything_is_finished(page, monkeypatch)
    for seed in range(2):
        finished(Path(f"runs/chromatin/gru/vcm_open_s{seed}"), body(0.80 + seed / 100))
        names = [("A_x", 0.5), ("B_x", 0.1), ("C_x", 0.4), ("D_x", None)]
        finished(Path(f"runs/chromatin/bigru/tracks_chr22_s{seed}"), body(0.6, names))
    finished(Path("runs/chromatin/kmer6/vcm_open_s0"), body(0.70))
    finished(
        Path("runs/chromatin/kmer_bag/tracks_chr22_s0"),
        body(0.6, [("A_x", 0.2), ("B_x", 0.3), ("C_x", 0.4), ("D_x", 0.1)]),
    )
    finished(Path("runs/chromatin/onehot_cnn/simulated_small_s0"), body(0.5))
    text = rendered(report, page.ChromatinTables)
    assert "**open chromatin, 600 nt**: Take `gru`: 0.805 [0.785, 0.825] in 60 CPU s; nothing cheaper" in text
    assert "| `gru` | 2 | 0.805 [0.785, 0.825] |" in text
    assert "A network is better than the regression on 6-mers, by mean test AUROC, on 1 of 1 sets" in text
    assert "`bigru` ahead of `kmer_bag` on 1 of 3 tracks, behind on 1 " in text
    assert "| A_x | 0.500 | 0.200 |" in text
    assert "| `onehot_cnn` | 2,000 |" in text
    assert Path("reports/chromatin/cost_vcm_open.png").is_file()
    assert "the 7 finished runs took 7" in text


@pytest.mark.parametrize("report", ["language"], indirect=True)
def test_language_of_some_runs(report, monkeypatch):
    _, _, page = report
    everything_is_finished(page, monkeypatch)

    def history(validation=1.33):
        return f"epoch,train_loss,val_loss\n1,1.35,1.34\n2,1.30,{validation}\n"

    def chains(plain):
        scores = {"plain Markov chain of order 7": plain, "interpolated Markov chain of order 10": plain - 0.1}
        return {name: {"perplexity": value} for name, value in scores.items()}

    # The best on the test is not the one that validation chooses.
    for model, value, validation in (("gru_lm", 3.7, 1.31), ("clockwork_lm", 3.8, 1.32), ("lstm_lm", 3.69, 1.33)):
        finished(Path(f"runs/language/{model}/ecoli_s0"), body(value, bounds=chains(3.82)), history(validation))
    for name, value, plain in (("pieces", 3.7, 3.81), ("other_strand", 3.69, 3.6)):
        finished(Path(f"runs/language/gru_lm/ecoli_split_{name}_s0"), body(value, bounds=chains(plain)), history())
    text = rendered(report, page.LanguageTables)
    assert "*E. coli*, at most 3.75: **yes**, 3.700" in text
    assert "3 of 4 divisions made; no answer yet" in text
    assert "| plain Markov chain |  |  | 3.820, order 7 |" in text
    assert "widths by default: 3.800 [3.780, 3.820] against 3.700 [3.680, 3.720] of `gru_lm`, 1.00 times" in text
    assert "| 3.669 |" in text  # e to 1.30
    finished(Path("runs/language/gru_lm/ecoli_split_all_s0"), body(3.65, bounds=chains(3.2)), history())
    text = rendered(report, page.LanguageTables)
    assert "It is reached under: as the first, and the other strand" in text
    assert "(the interpolated Markov chain of order 10: 3.100)" in text
    assert "On the clean division the lowest of these is 3.700." in text


def test_the_families_have_colours_and_markers():
    assert set(costs.COLOURS) == set(costs.MARKERS)
