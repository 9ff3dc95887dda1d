"""What ``training`` measures, each in a process of its own: seconds of training steps and of inference.

    python -m benchmarks.steps '{"side": "ours", "model": "conv7"}'

prints one line of JSON. A process of its own, since threads and the allocator are set once for all.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks import plain
from benchmarks.measure import FILE
from classify.building import build_classifier
from classify.convolution import with_fast_gradients
from classify.cost import flops_per_example
from classify.datasets import TileDataset, evaluation_loader, train_loader
from classify.evaluation import Loaded, predict_logits
from classify.examples import Examples
from classify.hardware import Plan, choose, laid_out
from classify.models import MODELS, build_model
from classify.module import Classifier
from classify.sampling import EpochSampler
from classify.settings import RunSettings, TrainingSettings
from classify.tasks import TASKS
from classify.trainer import make_trainer
from specgen.files import expand
from specgen.records import read_records

WINDOW, LETTERS = 600, 1200

WARM = 1
"""Steps before the clock counts."""


def examples(n: int) -> Examples:
    """Real sequences, with labels in turn: what they are does not matter here."""
    found: list[Any] = []
    for record in read_records(expand(f"$SPECGEN_DATA/{FILE}")):
        if len(record.codes) >= LETTERS:
            found.append(record.codes[:LETTERS])
        if len(found) == n:
            break
    names = [str(i) for i in range(n)]
    return Examples(
        classes=("LNSD", "CDN"),
        ids=names,
        labels=np.arange(n, dtype=np.int64) % 2,
        groups=names,
        chromosomes=[""] * n,
        lengths=np.full(n, LETTERS, dtype=np.int64),
        split=np.array(["train"] * n),
        sequences=found,
        window=WINDOW,
    )


class Clock(L.Callback):  # type: ignore[misc]
    """When each step ended."""

    def __init__(self, limit: int) -> None:
        self.limit, self.ends = limit, list[float]()

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        trainer.should_stop = len(self.ends) >= self.limit

    @property
    def seconds(self) -> list[float]:
        """Of each step behind the first ones, the time that the next batch took included."""
        return np.diff(self.ends[WARM - 1 :]).tolist()


def prepared(settings: RunSettings, *, own_gradients: bool = True) -> tuple[Classifier, Plan]:
    """A module as ``fit`` trains it."""
    plan = choose(settings.training)
    plan = dataclasses.replace(plan, own_gradients=plan.own_gradients and own_gradients)
    plan.apply()
    module = build_classifier(settings, TASKS[settings.task](TASKS[settings.task].Settings()), "codes", plan)
    if plan.own_gradients:
        with_fast_gradients(module.model)
    return module, plan


def fit_steps(settings: RunSettings, module: Classifier, plan: Plan, loader: Any, steps: int) -> list[float]:
    """Seconds of each step of the real loop."""
    clock = Clock(steps + WARM)
    trainer = make_trainer(
        settings, plan, callbacks=[clock], max_epochs=1, logger=False, enable_checkpointing=False,
        gradient_clip_val=settings.optimiser.clip or None, limit_val_batches=0, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, loader)
    return clock.seconds


def ours(model: str, *, batch: int = 50, steps: int = 4, threads: int = 0, inference: int = 0) -> dict[str, Any]:
    """Steps from letters."""
    training = TrainingSettings(batch_size=batch, threads=threads, progress=False)
    settings = RunSettings(model=model, training=training)
    module, plan = prepared(settings)
    data = examples(max(batch * (steps + WARM), inference))
    sampler = EpochSampler(data.labels, 0, balance=False, batch_size=batch)
    found = {
        "train": fit_steps(settings, module, plan, train_loader(data, sampler, training, pin=plan.pin_memory), steps)
    }
    if inference:
        loaded = Loaded(settings, module.task, module.eval().to(plan.device), plan)
        dataset = TileDataset(data.take(np.arange(inference)), 1)
        batches = evaluation_loader(dataset, training, pin=plan.pin_memory)
        found["inference"] = repeated(lambda: [predict_logits(loaded, inputs) for inputs, _, _ in batches])
    return {"seconds": found, "plan": str(plan)}


def without(model: str, *, what: str, batch: int = 50, steps: int = 3) -> dict[str, Any]:
    """Steps from letters with one choice of the plan undone; "nothing" = none of them."""
    undone = {
        "kept memory": {"keep_memory": False},
        "channels-last": {"memory_format": "contiguous"},
    }
    training = TrainingSettings(batch_size=batch, progress=False, **undone.get(what, {}))  # type: ignore[arg-type]
    settings = RunSettings(model=model, training=training)
    module, plan = prepared(settings, own_gradients=what != "weight gradients as products")
    if what == "the pool before the ReLU":
        network = plain.plain_model(model)
        network.load_state_dict(module.model.state_dict())
        module.model = with_fast_gradients(plan.place(network))
    data = examples(batch * (steps + WARM))
    sampler = EpochSampler(data.labels, 0, balance=False, batch_size=batch)
    loader = train_loader(data, sampler, training, pin=plan.pin_memory)
    begun = time.perf_counter()
    if what == "no torch.compile":
        module.model.compile()
    found = fit_steps(settings, module, plan, loader, steps)
    return {"seconds": {"train": found}, "whole": time.perf_counter() - begun, "plan": str(plan)}


def theirs(model: str, *, batch: int = 50, steps: int = 4, inference: int = 0) -> dict[str, Any]:
    """Steps of the plain loop."""
    network = plain.plain_model(model)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    data = examples(max(batch * (steps + WARM), inference))
    with tempfile.TemporaryDirectory(prefix="specgen-training-") as folder:
        codes = np.stack(data.sequences or [])[:, :WINDOW]
        pictures = plain.write_pictures(Path(folder) / "all", codes[: batch * (steps + WARM)], data.labels.tolist())
        ends: list[float] = []

        def timed() -> Iterator[tuple[Tensor, Tensor]]:
            for part in plain.loader(pictures, batch):
                yield part
                ends.append(time.perf_counter())

        plain.train_epoch(network, timed(), optimiser)
        found = {"train": np.diff(ends[WARM - 1 :]).tolist()}
        if inference:
            some = plain.write_pictures(Path(folder) / "some", codes[:inference], data.labels.tolist())
            found["inference"] = repeated(lambda: plain.predict(network, plain.loader(some, 2 * batch)))
    return {"seconds": found, "plan": "float32, NCHW, ImageFolder"}


def ceiling(model: str, *, batch: int = 50, steps: int = 4, rounds: int = 2) -> dict[str, Any]:
    """Steps from letters and steps of the same network from random tensors that lie ready, in turns."""
    training = TrainingSettings(batch_size=batch, progress=False)
    settings = RunSettings(model=model, training=training)
    data = examples(batch * (steps + WARM))
    layout = choose(training).memory_format
    ready = [
        (laid_out(torch.rand(batch, 3, 224, 224), layout), torch.arange(batch) % 2, torch.arange(batch))
        for _ in range(steps + WARM)
    ]
    found: dict[str, list[float]] = {"letters": [], "tensors": []}
    for _ in range(rounds):
        module, plan = prepared(settings)
        sampler = EpochSampler(data.labels, 0, balance=False, batch_size=batch)
        letters = train_loader(data, sampler, training, pin=plan.pin_memory)
        found["letters"] += fit_steps(settings, module, plan, letters, steps)
        module, plan = prepared(settings)
        module.view = nn.Identity()
        tensors = DataLoader(ready, batch_size=None, pin_memory=plan.pin_memory)
        found["tensors"] += fit_steps(settings, module, plan, tensors, steps)
    return {"seconds": found, "plan": str(plan)}


def repeated(work: Callable[[], Any], times: int = 2) -> list[float]:
    """Seconds of each repetition, after one for nothing."""
    work()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return found


SIDES: dict[str, Callable[..., dict[str, Any]]] = {
    "ours": ours,
    "plain": theirs,
    "ceiling": ceiling,
    "without": without,
}


def main() -> None:
    asked = json.loads(sys.argv[1])
    assert asked["model"] in MODELS
    found = SIDES[asked.pop("side")](**asked)
    found["peak_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["flops"] = flops_per_example(build_model(asked["model"], 2), torch.zeros(1, 3, 224, 224))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
