"""Exports: every network's graph against the run in ONNX Runtime, front ends of every palette, what is refused, metadata."""

import functools
import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from nets import QUICK, letters
from torch import nn
from toy import edit, one_line

from classify.__main__ import main
from classify.building import build_classifier
from classify.config import settings_from
from classify.evaluation import Loaded
from classify.exporting import FORMATS, graph, onnx_file
from classify.exporting.graph import Answers, Graph, check_answers, describe, example_windows, indicators, reference
from classify.exporting.onnx_file import answers_of, onnx_bytes
from classify.exporting.plain import PlainOperations, bins_of
from classify.hardware import choose
from classify.models import MODELS, register_model
from classify.tasks import TASKS
from specgen.errors import InputError, UnknownName

ONNX_CANNOT: dict[str, str] = {}
"""Networks that ONNX cannot hold, and what it says."""

SLOW = {"inception_v3", "clockwork_lm", "conv7", "conv5", "conv3", "inception", "exon_enhanced_301"}
OURS = [name for name in MODELS if MODELS[name].build.__module__.startswith("classify.")]
EVERY = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in OURS]
# Pictures that a network asks for; else the default.
FRAMES = {"bands": 3, "spectrogram": {"window": 117, "n_fft": 147, "frames": 0, "hop": 3}, "columns": 224}
PICTURES = {"specnet": FRAMES, "specnet_whole": {"spectrogram": {"n_fft": 447}}}
SMALL = {"spectrogram": {"window": 60, "n_fft": 149, "frames": 20}}


def network(name, seed=0, **more):
    """An untrained network whose statistics are those of some windows, as ``load_portable`` would give it."""
    task = "coding" if MODELS[name].answers == "window" else "language"
    body = {"task": task, "model": name, "training": {"threads": 1, "precision": "32-true"}, "seed": seed, **more}
    body.setdefault("image", PICTURES.get(name, {}))
    body.setdefault("model_options", QUICK.get(name, {}))
    settings = settings_from(body, "test")
    made, plan = TASKS[task](settings.data), choose(settings.training)
    module = build_classifier(settings, made, "codes", plan)
    module.train()
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.momentum = (
                None  # statistics are those of the one batch: with their start, deep networks say nothing of it
            )
    with torch.no_grad():
        module(torch.from_numpy(example_windows(made.window, 4, seed=5)))
    return Loaded(settings, made, module.eval(), plan)


@functools.cache
def exported(name, reads):
    loaded = network(name)
    about = {"model": name, "window": str(loaded.task.window)}
    return loaded, onnx_bytes(Graph(loaded, reads), loaded.task.window, about)


@pytest.mark.parametrize("name", EVERY)
def test_every_network_says_the_same_in_onnx_runtime(name):
    if name in ONNX_CANNOT:
        with pytest.raises(InputError, match=ONNX_CANNOT[name]):
            exported(name, "onehot")
        return
    loaded, model = exported(name, "onehot")
    codes = example_windows(loaded.task.window, 4, seed=2)
    expected = reference(loaded, codes)
    for part in (slice(0, 1), slice(0, 4)):  # the batch axis is open
        found = answers_of(model, codes[part])
        assert found.probabilities == pytest.approx(expected.probabilities[part], abs=5e-5)
        assert found.logits == pytest.approx(expected.logits[part], rel=1e-3, abs=1e-4)
    assert np.ptp(expected.logits, axis=0).max() > 1e-4  # windows differ, or nothing would have been compared


def test_every_exception_is_a_network():
    assert set(ONNX_CANNOT) <= set(MODELS)
    assert set(SLOW) <= set(OURS)


@pytest.mark.parametrize("options", [{}, {"training": {"both_strands": True, "threads": 1, "precision": "32-true"}}])
@pytest.mark.parametrize("reads", graph.INPUTS)
def test_codes_and_indicators_on_either_strand(reads, options):
    loaded = network("deepbind", **options)
    codes = example_windows(loaded.task.window, 3, seed=4)
    codes[0, :16] = np.arange(16)  # every letter that there is
    found = answers_of(onnx_bytes(Graph(loaded, reads), loaded.task.window, {"model": "deepbind"}), codes)
    assert found.probabilities == pytest.approx(reference(loaded, codes).probabilities, abs=1e-6)


@pytest.mark.parametrize(
    ("palette", "representation", "scale", "preprocess"),
    [
        ("delta_z", "", "log1p", {}),
        ("half_axes", "", "db", {"standardise": False}),  # complex, power alone
        ("hue", "", "log1p", {}),  # the phase
        ("real", "", "log1p", {"blur": True}),
        ("voss", "", "minmax", {"scale": False}),
        ("colormap:viridis", "z_curve", "log1p", {}),  # a walk
    ],
)
def test_the_front_end_is_inside(palette, representation, scale, preprocess):
    image = {**SMALL, "palette": palette, "representation": representation, "scale": {"kind": scale}}
    loaded = network("toy_export", image=image, preprocess=preprocess)
    codes = example_windows(loaded.task.window, 3, seed=4)
    expected = reference(loaded, codes)
    found = answers_of(onnx_bytes(Graph(loaded, "codes"), loaded.task.window, {"model": "toy"}), codes)
    # The toy's logits are means of the picture itself.
    assert found.logits == pytest.approx(expected.logits, rel=1e-4, abs=1e-5)


@register_model("toy_export", view="image", note="only in tests")
def toy_export(outputs: int = 2) -> torch.nn.Module:
    """Some pixels, as they are."""
    return torch.nn.Sequential(Corner(), torch.nn.Linear(3 * 20 * 20, outputs))


class Corner(torch.nn.Module):
    """20 x 20 pixels in the middle rows."""

    def forward(self, pictures):
        return pictures[:, :, 30:50, :20].flatten(1)


@pytest.mark.parametrize(("length", "n"), [(10, 3), (7, 7), (81, 4), (5, 8)])
def test_bins_are_those_of_adaptive_pools(length, n):
    maps = torch.rand(2, 3, length, generator=torch.Generator().manual_seed(0))
    by_hand = [maps[..., low:high] for low, high in bins_of(length, n)]
    F = torch.nn.functional  # noqa: N806
    mean, most = F.adaptive_avg_pool1d(maps, n), F.adaptive_max_pool1d(maps, n)
    assert torch.allclose(torch.stack([part.mean(-1) for part in by_hand], -1), mean)
    assert torch.equal(torch.stack([part.amax(-1) for part in by_hand], -1), most)
    with PlainOperations():
        assert torch.allclose(F.adaptive_avg_pool1d(maps, n), mean)
        assert torch.equal(F.adaptive_max_pool1d(maps, n), most)
        grid = maps[:, :, None].expand(2, 3, 6, length)
        assert torch.allclose(torch.nn.AdaptiveAvgPool2d((2, n))(grid), mean[:, :, None].expand(2, 3, 2, n))
        assert torch.equal(torch.nn.AdaptiveMaxPool2d((None, n))(grid), most[:, :, None].expand(2, 3, 6, n))


def test_a_run_is_exported_and_says_what_it_is(base, tmp_path, capsys):
    out = tmp_path / "new" / "toy.onnx"
    assert main(["export", "--run", str(base), "--out", str(out), "--input", "codes"]) == 0
    told = capsys.readouterr().out
    assert f"{out}: onnx; differs from the run by" in told
    about = {item.key: item.value for item in onnx.load(out).metadata_props}
    loaded = graph.load_portable(base)
    assert about == describe(base, loaded, "codes")
    assert (about["task"], about["model"], about["window"], about["input"]) == ("coding", "toy_test", "600", "codes")
    assert json.loads(about["classes"]) == list(loaded.task.classes)
    assert about["alphabet"][15] == "N"
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    codes = example_windows(600, 6, seed=9)
    probabilities, logits = session.run(None, {"codes": codes})
    assert probabilities == pytest.approx(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), abs=1e-6)
    assert probabilities == pytest.approx(reference(loaded, codes).probabilities, abs=1e-4)
    assert sorted(path.name for path in out.parent.iterdir()) == ["toy.onnx"]


def test_a_graph_that_says_something_else_is_not_written(base, tmp_path, capsys, monkeypatch):
    right = onnx_file.reference
    monkeypatch.setattr(
        onnx_file, "reference", lambda *given: right(*given)._replace(logits=right(*given).logits + 0.01)
    )
    out = tmp_path / "toy.onnx"
    assert main(["export", "--run", str(base), "--out", str(out)]) == 2
    one_line(capsys, "of the greatest logit, expected at most 0.0001; nothing was written")
    assert list(tmp_path.iterdir()) == []


def test_differences_that_count():
    p, z = np.array([[0.2, 0.8]]), np.array([[-1.0, 50.0]])
    assert check_answers(Answers(p + 5e-5, z), Answers(p, z), "x") == pytest.approx(5e-5)
    for found in (Answers(p + 2e-4, z), Answers(p, z + 0.01), Answers(p * np.nan, z), Answers(p, z * np.nan)):
        with pytest.raises(InputError, match="x: differs from the run"):
            check_answers(found, Answers(p, z), "x")


def test_indicators_are_those_of_the_codes(one_hot):
    text = "ACGTN=RY"
    codes = np.array([["=ACMGRSVTWYHKDBN".index(letter) for letter in text]], dtype=np.uint8)
    assert indicators(codes)[0] == pytest.approx(one_hot(text))
    assert letters(2, 5).shape == (2, 4, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.txt"], "the ending '.txt' names no format; expected one of none (hub), .onnx (onnx)"),
        (["--out", "x", "--format", "onxx"], "unknown format 'onxx'; did you mean 'onnx'"),
        (["--out", "x.onnx", "--input", "onehto"], "unknown input 'onehto'; did you mean 'onehot'"),
        (["--out", "x.onnx", "--run", "nowhere"], "nowhere: is no run folder"),
    ],
)
def test_what_cannot_be(base, arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--run", str(base), *arguments]) == 2
    one_line(capsys, message)
    assert list(tmp_path.iterdir()) == []


def test_noise_of_the_letters_is_refused(copy, capsys, tmp_path):
    edit(copy, "noise: 0.0", "noise: 0.5")
    assert main(["export", "--run", str(copy), "--out", str(tmp_path / "x.onnx")]) == 2
    one_line(capsys, "letters.noise is 0.5; noise drawn from a hash of the letters is no operation of a graph")


def test_without_the_extra(base, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["export", "--run", str(base), "--out", str(tmp_path / "x.onnx")]) == 2
    one_line(capsys, "onnxruntime is not installed; the extra 'export' brings it")


def test_formats_have_an_ending_each():
    assert len({FORMATS[name].suffix for name in FORMATS}) == len(FORMATS)
    with pytest.raises(UnknownName):
        FORMATS["onxx"]


@pytest.mark.parametrize(("size", "dilation"), [(5, 1), (4, 3), (3, 8)])
def test_convolutions_of_the_same_length(size, dilation):
    layer = torch.nn.Conv1d(4, 6, size, padding="same", dilation=dilation)
    maps = torch.rand(2, 4, 30, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = layer(maps)
        with PlainOperations():
            assert torch.allclose(layer(maps), expected, atol=1e-6)
