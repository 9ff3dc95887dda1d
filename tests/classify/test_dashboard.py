"""Dashboards: every method against a network whose answers are known by hand, and the command from end to end."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from toy import SMALL, fasta, one_line

from classify.__main__ import main
from classify.dashboard.activations import activation_maps
from classify.dashboard.boards import share_on_sites
from classify.dashboard.optimisation import class_optimised
from classify.dashboard.settings import OptimisationSettings
from classify.dashboard.tracks import TRACKS, temporal_scores
from classify.interpretation.explainer import Explainer
from classify.interpretation.settings import AttributionSettings
from classify.interpretation.sites import Site, read_sites
from classify.models import register_model
from classify.settings import RunSettings
from classify.views import OneHotView, build_view
from specgen.errors import InputError
from specgen.sequences import INDICATORS, encode

LENGTH = 24


class Linear(nn.Module):
    """Logits (0, sum of weights times indicators + bias): the log-odds are linear in the letters."""

    def __init__(self, weights, bias):
        super().__init__()
        self.weights, self.bias = nn.Parameter(torch.tensor(weights, dtype=torch.float32)), bias

    def forward(self, letters):
        score = (letters * self.weights).sum((1, 2)) + self.bias
        return torch.stack([torch.zeros_like(score), score], dim=1)


class Fake(nn.Module):
    """What ``Explainer`` asks of a Lightning module."""

    layout = torch.contiguous_format

    def __init__(self, model):
        super().__init__()
        self.view, self.model = OneHotView(), model

    def forward(self, letters):
        return self.model(self.view(letters))


def explainer_of(model, length=LENGTH):
    task = SimpleNamespace(window=length, name="toy", classes=("no", "yes"), exclusive=True)
    plan = SimpleNamespace(device="cpu")
    return Explainer(
        SimpleNamespace(task=task, module=Fake(model).eval(), plan=plan, settings=None), AttributionSettings()
    )


@pytest.fixture
def weights():
    return np.random.default_rng(0).normal(0, 0.5, (4, LENGTH))


@pytest.fixture
def codes():
    return encode("ACGTTGCAACGTTGCAACGNTTGA")


@pytest.fixture
def explainer(weights):
    return explainer_of(Linear(weights, 0.3))


def test_methods_on_a_linear_model(explainer, weights, codes):
    letters = INDICATORS[codes].T
    score = (weights * letters).sum() + 0.3
    known = codes != encode("N")[0]
    saliency = TRACKS["saliency"](explainer, codes)
    # d softplus(-s)/dx = -w sigmoid(-s)
    assert saliency.grid == pytest.approx(np.abs(weights) * letters / (1 + np.exp(score)), rel=1e-4, abs=1e-7)
    assert saliency.letters == pytest.approx(saliency.grid.sum(0))
    found = TRACKS["integrated_gradients"](explainer, codes)
    assert found.grid == pytest.approx(weights * (letters - 0.25), abs=1e-5)
    assert found.facts["complete"]
    assert abs(found.facts["completeness_error"]) < 1e-3
    assert found.facts["sum"] == pytest.approx(score - (weights.sum() / 4 + 0.3), abs=1e-4)
    mutated = TRACKS["mutagenesis"](explainer, codes)
    there = (weights * letters).sum(0)
    assert mutated.grid == pytest.approx(weights - there, abs=1e-5)
    assert (mutated.grid[letters == 1] == 0).all()
    assert mutated.letters[known] == pytest.approx((there - (weights.sum(0) - there) / 3)[known], abs=1e-5)
    # All four bases are other than N, whose value is their mean.
    assert mutated.letters[~known] == pytest.approx(0, abs=1e-5)


def test_maps_of_pictures_stand_above_their_columns():
    settings = RunSettings()
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.ReLU(), nn.MaxPool2d(4), nn.Conv2d(2, 5, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(5, 2),
    ).eval()  # fmt: skip
    explainer = explainer_of(model, 600)
    explainer.loaded.module.view = build_view("codes", "image", settings)
    codes = encode("".join(np.random.default_rng(1).choice(list("ACGT"), 600)))
    picture = explainer.prepared(codes[None])
    middles = explainer.picture(codes)[1]
    first, second = activation_maps(explainer, codes)
    with torch.inference_mode():
        assert torch.allclose(torch.from_numpy(first.values), model[:2](picture)[0].amax(1))
    assert first.middle == pytest.approx(middles)
    # A place behind pooling by 4 stands in the middle of four columns, whose own middles are whole or half numbers.
    assert second.values.shape == (5, 56)
    assert second.middle == pytest.approx(middles.reshape(56, 4).mean(1), abs=0.5)


def test_temporal_scores_of_a_linear_model(explainer, weights, codes):
    there = (weights * INDICATORS[codes].T).sum(0)
    unknown = weights.mean(0)
    forwards, backwards = temporal_scores(explainer, codes)
    for i in range(LENGTH):
        up_to = there[: i + 1].sum() + unknown[i + 1 :].sum() + 0.3
        from_on = unknown[:i].sum() + there[i:].sum() + 0.3
        assert forwards[i] == pytest.approx(1 / (1 + np.exp(-up_to)), abs=1e-5)
        assert backwards[i] == pytest.approx(1 / (1 + np.exp(-from_on)), abs=1e-5)
    assert forwards[-1] == pytest.approx(backwards[0])


def test_class_optimisation_finds_the_best_letters(weights):
    """-log p falls along the weights alone, so that each column's largest weight wins where it is above zero."""
    explainer = explainer_of(Linear(weights, -5.0))
    found = class_optimised(explainer, LENGTH, OptimisationSettings(steps=200, weight=1e-4))
    assert found.matrix.sum(0) == pytest.approx(1)
    assert (found.matrix > 0).all()
    assert found.after > found.before
    best = weights.max(0)
    clear = (best > 0.1) & (np.sort(weights, 0)[-2] < 0)
    assert clear.sum() >= 4
    expected = np.array(list("ACGT"))[weights.argmax(0)]
    assert (np.array(list(found.consensus)) == expected)[clear].all()
    codes = encode(found.consensus)
    assert found.of_consensus == pytest.approx(explainer.score_codes(codes[None])[0])
    again = class_optimised(explainer, LENGTH, OptimisationSettings(steps=200, weight=1e-4))
    assert (again.matrix == found.matrix).all()


def test_a_stronger_penalty_leaves_less(weights):
    found = [
        class_optimised(explainer_of(Linear(weights, 0)), LENGTH, OptimisationSettings(steps=300, weight=weight)).after
        for weight in (1e-4, 1.0)
    ]
    assert found[1] < found[0]


class Motif(nn.Module):
    """Whether the motif is there: the largest answer of one filter."""

    def __init__(self, motif):
        super().__init__()
        self.filter = nn.Conv1d(4, 1, len(motif))
        self.filter.weight.data = torch.from_numpy(INDICATORS[encode(motif)].T[None].copy()) * 4 - 1
        self.filter.bias.data.fill_(-3.0 * len(motif) + 3)

    def forward(self, letters):
        score = self.filter(letters).amax(2)
        return torch.cat([torch.zeros_like(score), score], dim=1)


@pytest.mark.parametrize("method", TRACKS)
def test_what_a_planted_motif_gets(method):
    """At least four fifths of every method's absolute attribution lie on the only thing that this network reads."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(5):
        letters = rng.choice(list("ACGT"), 60)
        letters[20:27] = list("TTGACGT")
        codes = encode("".join(letters))
        track = TRACKS[method](explainer_of(Motif("TTGACGT"), 60), codes)
        shares.append(share_on_sites(track.letters, 100, [Site(120, 127)]))
    assert np.mean(shares) >= 0.8


def test_shares_on_sites():
    letters = np.array([1.0, -2.0, 3.0, 4.0])
    assert share_on_sites(letters, 10, [Site(11, 13)]) == pytest.approx(0.5)
    assert share_on_sites(letters, 10, [Site(11, 13), Site(12, 13)]) == pytest.approx(0.5)  # no letter counts twice
    assert share_on_sites(letters, 10, [Site(0, 11), Site(13, 99)]) == pytest.approx(0.5)
    assert share_on_sites(letters, 10, []) is None
    assert share_on_sites(letters, 10, [Site(0, 10)]) is None
    assert share_on_sites(np.zeros(4), 10, [Site(11, 13)]) is None


def test_sites_of_a_file(tmp_path):
    (tmp_path / "s.bed").write_text("track x\na\t1\t5\tmotif\nb\t0\t2\na\t7\t9\n")
    assert read_sites(str(tmp_path / "s.bed")) == {"a": [Site(1, 5, "motif"), Site(7, 9)], "b": [Site(0, 2)]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": -1}, "steps"),
        ({"lr": 0}, "lr"),
        ({"weight": -1}, "weight"),
        ({"floor": 0}, "floor"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_cannot_be(change, message):
    with pytest.raises(InputError, match=f"optimisation.{message}: expected"):
        OptimisationSettings(**change)


@register_model("toy_dashboard_test", view="onehot", note="only in tests")
def toy_dashboard_test(outputs: int = 2) -> nn.Module:
    """One convolution, its maxima, one linear layer."""
    return nn.Sequential(nn.Conv1d(4, 4, 6), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, outputs))


@pytest.fixture(scope="module", params=["toy_test", "toy_dashboard_test"])
def run(request, tmp_path_factory):
    """A finished run of pictures, and one of letters."""
    runs = tmp_path_factory.mktemp(request.param)
    options = ["--model", request.param, "--runs", str(runs), "--training.epochs", "1"]
    assert main(["train", *SMALL, *options]) == 0
    return runs / "coding" / request.param / "default"


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    names = ["a", "<script>alert(1)</script>$x$", "short"]
    records = [(name, "".join(rng.choice(list("ACGT"), 100 if name == "short" else 640))) for name in names]
    (tmp_path / "in.fa").write_text(fasta(records), encoding="utf-8")
    return tmp_path / "in.fa"


def dashboard(run, out, *more):
    fixed = ["--attribution.steps", "4", "--attribution.limit", "8", "--optimisation.steps", "3", "--progress", "false"]
    return main(["dashboard", "--run", str(run), "--out", str(out), *fixed, *map(str, more)])


def test_records_of_a_file(run, source, tmp_path, capsys):
    out = tmp_path / "out"
    (tmp_path / "s.bed").write_text("a\t30\t60\tTATA\n")
    # Mutagenesis of 600 nt is 1,800 pictures: not here.
    options = ["--input", source, "--sites", tmp_path / "s.bed", "--methods", "saliency, integrated_gradients"]
    assert dashboard(run, out, *options) == 0
    said = capsys.readouterr().out
    assert "2 records; 1 shorter than a window" in said
    assert "of its absolute attribution on the sites" in said
    convolves = run.parent.name == "toy_dashboard_test"
    assert {path.name for path in out.iterdir()} == {
        "0001.png", "0001.json", "0002.png", "0002.json", "dashboard.json", "dashboard.html", "optimised.json", "optimised.png",
        *(["0001.maps.png", "0002.maps.png"] if convolves else []),
    }  # fmt: skip
    body = json.loads((out / "dashboard.json").read_text(encoding="utf-8"))
    assert [record["record"] for record in body["records"]] == ["a", "<script>alert(1)</script>$x$"]
    assert body["methods"] == ["saliency", "integrated_gradients"]
    first = json.loads((out / "0001.json").read_text(encoding="utf-8"))
    letters = source.read_text(encoding="utf-8").split("\n")[1]
    assert first["letters"] == letters[first["start"] : first["start"] + first["length"]]
    scores = np.array(first["scores"]["saliency"])
    assert scores.shape == (first["length"],)
    assert (scores >= 0).all()
    low, high = 30 - first["start"], 60 - first["start"]
    expected = scores[low:high].sum() / scores.sum()
    assert body["share_on_sites"]["saliency"] == pytest.approx(expected)
    assert first["methods"]["saliency"]["share_on_sites"] == pytest.approx(expected)
    assert np.array(first["grids"]["integrated_gradients"]).shape == (4, first["length"])
    assert first["forwards"][-1] == pytest.approx(first["probability"], abs=1e-5)
    optimised = json.loads((out / "optimised.json").read_text(encoding="utf-8"))
    assert len(optimised["consensus"]) == 600
    page = (out / "dashboard.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert page.count("data:image/png;base64,") == (5 if convolves else 3)
    assert [np.array(layer["values"]).shape for layer in first["activations"]] == ([(4, 595)] if convolves else [])
    for picture in out.glob("*.png"):
        with Image.open(picture) as opened:
            assert opened.width > 1000


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--most", 0], "--most: expected a whole number above 0"),
        (["--methods", "salience"], "unknown dashboard method 'salience'; did you mean 'saliency'"),
        (["--attribution.target", "CND"], "did you mean 'CDN'"),
        (["--sites", "nowhere.bed"], "nowhere.bed: no such file"),
        (["--input", "nowhere.fa"], "nowhere.fa: no such file"),
        (["--optimisation.lr", "0"], "optimisation.lr: expected above 0"),
        (["--run", "nowhere"], "nowhere: is no run folder"),
    ],
)
def test_mistakes(run, source, tmp_path, capsys, options, match):
    assert dashboard(run, tmp_path / "out", "--input", source, *options) == 2
    one_line(capsys, match)
    assert not list(tmp_path.glob("out/*"))


def test_nothing_is_long_enough(run, tmp_path, capsys):
    (tmp_path / "in.fa").write_text(">a\nACGT\n")
    assert dashboard(run, tmp_path / "out", "--input", tmp_path / "in.fa") == 2
    one_line(capsys, "holds no record of 6")
