"""Exports: every network's graph against the run in ONNX Runtime, front ends of every palette, what is refused, metadata."""

import functools
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from nets import letters
from toy import one_line

from classify.__main__ import main
from classify.config import settings_from
from classify.evaluation import Loaded
from classify.exporting import FORMATS, graph, onnx_file
from classify.exporting.graph import Answers, Graph, check_answers, describe, example_windows, indicators, reference
from classify.exporting.onnx_file import answers_of, onnx_bytes
from classify.exporting.pools import bins_of
from classify.hardware import choose
from classify.models import MODELS
from classify.tasks import TASKS
from classify.training import build_classifier
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
    settings = settings_from(body, "test")
    made, plan = TASKS[task](settings.data), choose(settings.training)
    module = build_classifier(settings, made, "codes", plan)
    module.train()
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
        assert found.probabilities == pytest.approx(expected.probabilities[part], abs=1e-5)
        assert found.logits == pytest.approx(expected.logits[part], rel=1e-3, abs=1e-4)
    assert np.ptp(expected.logits, axis=0).max() > 1e-4  # windows differ, or nothing would have been compared
