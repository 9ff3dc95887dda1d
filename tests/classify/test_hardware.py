"""What is chosen, and that it says why."""

import pytest
import torch

from classify import hardware
from classify.hardware import choose, laid_out
from classify.settings import TrainingSettings
from specgen.engines import available_cores


def on(monkeypatch, *, gpu=False, bf16=False, flags=""):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(hardware.Path, "read_text", lambda *_: f"flags : fpu {flags}")


@pytest.mark.parametrize(
    ("machine", "device", "precision", "own"),
    [
        ({}, "cpu", "32-true", True),
        ({"flags": "avx512_bf16"}, "cpu", "bf16-mixed", False),
        ({"flags": "amx_bf16"}, "cpu", "bf16-mixed", False),
        ({"gpu": True, "bf16": True}, "cuda", "bf16-mixed", False),
        ({"gpu": True}, "cuda", "32-true", False),
    ],
)
def test_the_machine_decides(monkeypatch, machine, device, precision, own):
    on(monkeypatch, **machine)
    plan = choose(TrainingSettings())
    assert (plan.device, plan.precision, plan.own_gradients) == (device, precision, own)
    assert plan.memory_format == "channels_last"
    assert plan.pin_memory == (device == "cuda")
    assert plan.threads == available_cores()
    assert f"{precision} (" in str(plan)


def test_what_is_asked_for_is_done(monkeypatch):
    on(monkeypatch, gpu=True, bf16=True)
    asked = TrainingSettings(precision="32-true", memory_format="contiguous", threads=1, pin_memory=False, compile=True)
    plan = choose(asked)
    assert (plan.precision, plan.memory_format, plan.threads, plan.pin_memory, plan.compile) == (
        "32-true", "contiguous", 1, False, True
    )  # fmt: skip
    assert str(plan).count("as asked") == 4
    assert not plan.autocast()._enabled


def test_float32_on_a_gpu_is_float32(monkeypatch):
    on(monkeypatch, gpu=True, bf16=True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    choose(TrainingSettings(precision="32-true")).apply()
    assert not torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr(hardware, "available_cores", lambda: 8)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert choose(TrainingSettings()).threads == 2
    assert "8 cores for 3 processes" in str(choose(TrainingSettings()))


def test_a_machine_with_fewer_cores_than_were_asked_for():
    assert choose(TrainingSettings(threads=available_cores() + 1)).threads == available_cores()


def test_layout():
    pictures = torch.rand(2, 3, 5, 7)
    assert laid_out(pictures, "channels_last").is_contiguous(memory_format=torch.channels_last)
    assert laid_out(pictures, "contiguous").is_contiguous()
    letters = torch.rand(2, 4, 9)
    assert laid_out(letters, "channels_last") is letters


def test_the_allocator_without_glibc(monkeypatch):
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    assert not choose(TrainingSettings()).keeps_memory
