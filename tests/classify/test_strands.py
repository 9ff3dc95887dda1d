"""Scoring on both strands: the mean of two logits, the same for a sequence and its reverse complement, and off by default."""

import dataclasses

import pytest
import torch

from classify.building import build_classifier
from classify.evaluation import load_run, predict_logits
from classify.hardware import choose
from classify.settings import AugmentSettings, RunSettings, TrainingSettings
from classify.tasks import TASKS
from classify.tasks.coding import CodingSettings
from specgen.errors import InputError
from specgen.sequences import encode, reverse_complement

pytestmark = pytest.mark.usefixtures("unrendered")

SETTINGS = RunSettings(
    model="dilated_cnn",
    model_options={"width": 8, "blocks": 2},
    data=CodingSettings(length=60),
    training=TrainingSettings(both_strands=True, threads=1, precision="32-true"),
)


def built(settings=SETTINGS, kind="codes"):
    task = TASKS[settings.task](settings.data)
    return build_classifier(settings, task, kind, choose(settings.training)).eval()


@pytest.fixture
def codes():
    generator = torch.Generator().manual_seed(0)
    return torch.tensor([1, 2, 4, 8, 15], dtype=torch.uint8)[torch.randint(5, (7, 60), generator=generator)]


def turned(codes):
    return torch.from_numpy(reverse_complement(codes.numpy()).copy())


@torch.no_grad()
def test_the_mean_of_both_strands(codes):
    module = built()
    expected = (module(codes) + module(turned(codes))) / 2
    assert torch.equal(module.scored(codes), expected)
    assert torch.allclose(module.scored(turned(codes)), expected, atol=1e-6)
    assert not torch.allclose(module(codes), expected, atol=1e-4)  # the network itself tells the strands apart


@torch.no_grad()
def test_one_strand_by_default(codes):
    module = built(dataclasses.replace(SETTINGS, training=TrainingSettings(threads=1)))
    assert torch.equal(module.scored(codes), module(codes))


def test_validation_sees_both(codes):
    module = built()
    module.validation_step((codes, torch.zeros(7, dtype=torch.long), torch.arange(7)), 0)
    assert torch.equal(module._outputs[0][0], module.scored(codes))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"training": TrainingSettings(both_strands=True)}, "training.both_strands"),
        ({"augment": AugmentSettings(0.5), "training": TrainingSettings()}, "augment.reverse_complement"),
        ({"augment": AugmentSettings(shift=3), "training": TrainingSettings()}, "augment.shift"),
        ({"augment": AugmentSettings(reshuffle=True), "training": TrainingSettings()}, "augment.reshuffle"),
    ],
)
def test_pictures_have_no_letters_to_change(change, key):
    with pytest.raises(InputError, match=f"{key}: changes letters, which cannot be made from pictures"):
        built(dataclasses.replace(SETTINGS, model="conv3", model_options={}, **change), "pictures")


def test_a_trained_run_predicts_so(tmp_path):
    from classify.__main__ import main

    options = ["--model", "dilated_cnn", "--model_options", '{"width": 8, "blocks": 2}', "--data.length", "60"]
    options += ["--data.simulate.n", "40", "--training.epochs", "1", "--training.threads", "1"]
    options += ["--training.both_strands", "true", "--training.progress", "false", "--runs", str(tmp_path)]
    assert main(["train", *options]) == 0
    loaded = load_run(tmp_path / "coding" / "dilated_cnn" / "default")
    text = encode("ACGTTGCAGGATCCAGTACGATCGGATTACAGTTTGCAACGTTGCAGGATCCAGTACGAT"[:58] + "AA")[None]
    one, other = (predict_logits(loaded, part) for part in (torch.from_numpy(text), turned(torch.from_numpy(text))))
    assert one == pytest.approx(other, abs=1e-5)
