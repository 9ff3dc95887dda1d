"""Energy counters: which zones are read, how they go round, and that nothing is told where nothing can be read."""

import sys
import types

import pytest
import torch

from classify import energy


@pytest.fixture
def zones(tmp_path, monkeypatch):
    """Two packages, one with a part in it, beside the whole platform and a copy of a package."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    names = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    for folder, name in names.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(name + "\n")
        (tmp_path / folder / "max_energy_range_uj").write_text("65532610987\n")
        (tmp_path / folder / "energy_uj").write_text("1000000\n")

    def put(folder, microjoules):
        (tmp_path / folder / "energy_uj").write_text(f"{microjoules}\n")

    return put


def test_packages_are_added_up_and_nothing_else(zones):
    counter = energy.CpuEnergy()
    for folder in ("intel-rapl:0:0", "intel-rapl:2", "intel-rapl-mmio:0"):
        zones(folder, 9_000_000_000)
    zones("intel-rapl:0", 3_500_000)
    zones("intel-rapl:1", 2_000_000)
    assert counter.read() == pytest.approx(2.5 + 1.0)
    zones("intel-rapl:1", 4_000_000)
    assert counter.read() == pytest.approx(5.5)


def test_a_counter_that_goes_round(zones):
    zones("intel-rapl:0", 65_532_610_987)
    counter = energy.CpuEnergy()
    zones("intel-rapl:0", 999_999)  # 10**6 steps: the one behind the largest number is 0
    assert counter.read() == pytest.approx(1.0)


def test_a_counter_that_may_have_gone_round_unseen_is_not_believed(zones, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(energy.time, "monotonic", lambda: now[0])
    counter, watched = energy.CpuEnergy(), energy.CpuEnergy()
    for now[0] in (60.0, 120.0):
        assert watched.read() == 0.0
    assert counter.read() is None
    assert counter.read() is None  # nor later


def test_what_cannot_be_read_is_absent(tmp_path, zones, monkeypatch):
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert energy.CpuEnergy().read() is None
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nowhere")
    assert energy.CpuEnergy().read() is None


def test_no_gpu_no_energy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert energy.GpuEnergy().read() is None


def test_the_gpu_is_asked_by_name(monkeypatch):
    class NVMLError(Exception):
        pass

    library, told = types.ModuleType("pynvml"), [5000, 12500]
    library.NVMLError, library.nvmlInit = NVMLError, lambda: None
    library.nvmlDeviceGetHandleByUUID = lambda uuid: {"GPU-ab": "one"}[uuid]
    library.nvmlDeviceGetTotalEnergyConsumption = lambda handle: {"one": told.pop(0)}[handle]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: types.SimpleNamespace(uuid="ab"))
    energy._handle.cache_clear()
    assert energy.GpuEnergy().read() == 7.5

    def refused(handle):
        raise NVMLError

    library.nvmlDeviceGetTotalEnergyConsumption = refused
    assert energy.GpuEnergy().read() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert energy.GpuEnergy().read() is None
    energy._handle.cache_clear()
