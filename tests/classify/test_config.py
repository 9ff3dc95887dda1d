"""One configuration: shipped files load, YAML round trips, the command line wins, and every mistake is one clear line."""

from pathlib import Path

import pytest
import yaml

from classify.config import OptimiserSettings, RunSettings, TrainingSettings, parse_run, settings_from, to_yaml
from classify.tasks.coding import CodingSettings
from specgen.errors import InputError, UnknownName

ROOT = Path(__file__).resolve().parents[2]
# Of runs; those of sweeps are tested with them.
SHIPPED = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.stem != "sweep")


def load(*arguments):
    return parse_run([str(argument) for argument in arguments], "train", "")[0]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def fails(*arguments, match):
    """The message, which is one line."""
    with pytest.raises(InputError, match=match) as caught:
        load(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_there_are_shipped_files():
    assert len(SHIPPED) >= 4


@pytest.mark.parametrize("path", SHIPPED, ids=[str(path.relative_to(ROOT)) for path in SHIPPED])
def test_shipped_files_load_and_every_key_of_theirs_counts(path):
    settings = load("--config", path)
    given, got = yaml.safe_load(path.read_text(encoding="utf-8")), yaml.safe_load(to_yaml(settings))

    def check(wanted, found):
        for key, value in wanted.items():
            if isinstance(value, dict):
                check(value, found[key])
            else:
                assert found[key] == value

    check(given, got)


def test_defaults():
    settings = load()
    assert settings.data == CodingSettings()
    assert settings == RunSettings(data=CodingSettings())
    assert settings.folder == Path("runs/coding/conv5/default")


def test_yaml_round_trip(tmp_path):
    first = load(
        "--model", "timm:resnet18", "--model_options.drop_rate", "0.25", "--data.classes", "[Ä, ß]", "--seed", "7",
        "--data.simulate.n", "5", "--optimiser.lr", "1e-4", "--training.progress", "false", "--name", "é",
        "--data.split.test_chromosomes", "[\"1\", X]", "--image.spectrogram.window", "300", "--preprocess.blur", "true",
    )  # fmt: skip
    text = to_yaml(first)
    second = load("--config", write(tmp_path / "c.yaml", text))
    assert second == first
    assert to_yaml(second) == text
    assert first.data.split.test_chromosomes == ["1", "X"]
    assert first.model_options == {"drop_rate": 0.25}
    assert first.optimiser.lr == 1e-4
    assert first.folder == Path("runs/coding/timm-resnet18/é")


def test_every_default_is_in_the_yaml():
    body = yaml.safe_load(to_yaml(RunSettings(data=CodingSettings())))
    assert body["optimiser"] == vars(OptimiserSettings())
    assert body["training"] == vars(TrainingSettings())
    assert body["data"]["split"]["strategy"] == "auto"
    assert body["image"]["spectrogram"]["n_fft"] == 447


def test_later_files_and_the_command_line_win(tmp_path):
    first = write(tmp_path / "a.yaml", "seed: 1\nmodel: conv3\ntraining: {epochs: 4, batch_size: 9}\n")
    second = write(tmp_path / "b.yaml", "seed: 2\ntraining: {epochs: 5}\n")
    settings = load("--config", first, "--config", second)
    assert (settings.seed, settings.model) == (2, "conv3")
    assert (settings.training.epochs, settings.training.batch_size) == (5, 9)
    settings = load("--config", first, "--seed", "3", "--training.epochs=6")
    assert (settings.seed, settings.training.epochs, settings.training.batch_size) == (3, 6, 9)


def test_the_command_line_wins_wherever_it_stands(tmp_path):
    path = write(tmp_path / "a.yaml", "seed: 1\n")
    assert load("--seed", "3", "--config", path).seed == 3


def test_nested_overrides_leave_their_neighbours(tmp_path):
    path = write(tmp_path / "a.yaml", "data: {simulate: {n: 9, seed: 4}, length: 500}\n")
    data = load("--config", path, "--data.simulate.n", "5").data
    assert (data.simulate.n, data.simulate.seed, data.length) == (5, 4, 500)


def test_extra_options_come_apart():
    settings, extra = parse_run(["--seed", "2", "--resume"], "train", "", {"resume": {"action": "store_true"}})
    assert settings.seed == 2
    assert extra.resume is True
    assert parse_run([], "train", "", {"resume": {"action": "store_true"}})[1].resume is False


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--training.epoch", "3"], r"training\.epoch.*did you mean .*training\.epochs"),
        (["--modle", "conv3"], r"did you mean model"),
        (["--data.simulate.nn", "3"], r"simulate"),
        (["--training.epochs", "many"], r"training\.epochs"),
        (["--training.cpu_minutes", ".nan"], r"training\.cpu_minutes: expected at least 0, got nan"),
        (["--training.epochs", "2.5"], r"training\.epochs"),
        (["--training.epochs", "0"], r"training\.epochs: expected at least 1, got 0"),
        (["--training.batch_size", "-1"], r"training\.batch_size: expected at least 1, got -1"),
        (["--training.monitor", "test_auroc"], r"training\.monitor 'test_auroc'; did you mean 'val_auroc'"),
        (["--training.precision", "fp16"], r"unknown training\.precision 'fp16'"),
        (["--optimiser.name", "adam"], r"unknown optimiser\.name 'adam'; did you mean 'adamw'"),
        (["--optimiser.schedule", "linear"], r"unknown optimiser\.schedule"),
        (["--optimiser.lr", "0"], r"optimiser\.lr: expected a number above 0"),
        (["--optimiser.lr", "nan"], r"optimiser\.lr"),
        (["--data.simulate.n", "0"], r"n: expected a whole number from 1"),
        (["--data.coding", "[x.fa]"], r"coding files are given but no noncoding ones"),
        (["--data.classes", "[one]"], r"data\.classes: expected two different names"),
        (["--data.length", "0"], r"expected length above 0"),
        (["--data.split.strategy", "gen"], r"unknown split strategy 'gen'; did you mean 'gene'"),
        (["--image.spectrogram.taper", "han"], r"unknown taper 'han'; did you mean 'hann'"),
        (["--task", "codin"], r"unknown task 'codin'; did you mean 'coding'"),
        (["--task=zzz"], r"unknown task 'zzz'; known: chromatin, coding"),
        (["--see", "3"], r"--see.*did you mean seed"),  # no abbreviations
        (["--seed", "x"], r"seed"),
        (["surplus"], r"surplus"),
    ],
)
def test_mistakes_on_the_command_line(arguments, match):
    fails(*arguments, match=match)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("training: {epoch: 3}", r"epoch.*did you mean .*epochs"),
        ("modle: conv3", r"modle.*did you mean model"),
        ("data: {simulate: {size: 3}}", r"size"),
        ("seed: [1]", r"seed"),
        ("training: 3", r"training"),
        ("task: codin", r"unknown task 'codin'; did you mean 'coding'"),
        ("seed: {", r"is no YAML"),
        ("seed: 1\n\tmodel: x", r"is no YAML"),
        ("- seed", r"expected a mapping of settings, got list"),
        ("just text", r"expected a mapping of settings, got str"),
        ("", r"expected a mapping of settings, got NoneType"),
        ("training: {epochs: 0}", r"training\.epochs: expected at least 1, got 0"),
    ],
)
def test_mistakes_in_files(tmp_path, text, match):
    fails("--config", write(tmp_path / "bad.yaml", text), match=match)


def test_files_that_cannot_be_read(tmp_path):
    missing = tmp_path / "none.yaml"
    assert str(missing) in fails("--config", missing, match="cannot be read")
    fails("--config", tmp_path, match="cannot be read")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    assert str(binary) in fails("--config", binary, match="is no YAML")


def test_yaml_is_no_program(tmp_path):
    trap = tmp_path / "trap"
    fails("--config", write(tmp_path / "x.yaml", f"name: !!python/object/apply:os.mkdir ['{trap}']"), match="no YAML")
    assert not trap.exists()


@pytest.mark.parametrize("name", ["a/b", "..", ".", "../x", ".hidden", "", "a\\b", "/tmp/x", "a\0b"])
def test_names_that_are_no_plain_folder(name):
    with pytest.raises(InputError, match="name: expected a plain folder name"):
        RunSettings(name=name)


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b"])
def test_names_that_are_no_plain_folder_from_the_command_line(name):
    with pytest.raises(InputError, match="name: expected a plain folder name"):
        load("--name", name)


def test_the_folder_of_a_run_stays_inside_the_folder_of_runs():
    assert RunSettings(model="timm:a/b", name="x y").folder == Path("runs/coding/timm-a-b/x y")


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        RunSettings().seed = 3


def test_unknown_names_are_input_errors():
    assert issubclass(UnknownName, InputError)


@pytest.mark.parametrize(
    "text", ["data: {length: }", "seed: null", "training: {epochs: ~}", "training: {precision: null}"]
)
def test_nothing_where_there_is_to_be_a_value(tmp_path, text):
    """jsonargparse takes null for any type, and what is behind it then fails on its own."""
    (tmp_path / "x.yaml").write_text(text + "\n")
    with pytest.raises(InputError, match="got null"):
        parse_run(["--config", str(tmp_path / "x.yaml")], "train", "")
    with pytest.raises(InputError, match="got null"):
        settings_from(yaml.safe_load(text), "train")
