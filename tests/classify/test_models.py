"""What every registered model must do, exact parameter counts, and how names and options fail."""

import pytest
import timm
import torch
from torch.nn import functional as F

import classify.models
from classify.cost import flops_per_example, parameter_count
from classify.models import MODELS, build_model, register_model
from classify.models.base import fetching
from specgen.errors import InputError, UnknownName

SIZE = {"image": (3, 224, 224), "onehot": (4, 600)}
SHIPPED = (
    "conv7",
    "conv5",
    "conv3",
    "inception",
    "inception_v3",
    "specnet",
    "specnet_whole",
    "specnet_site",
    "dilated_cnn",
    "frame_cnn",
    "exon_simple",
    "exon_attention",
    "exon_complex",
    "exon_enhanced",
    "exon_enhanced_se",
    "exon_enhanced_301",
    "exon_resnet",
    "kmer_resnet",
    "deepbind",
    "deepbind_small",
    "motif_pair",
    "motif_pair_wide",
    "deepmotif_cnn",
    "deepmotif_rnn",
    "deepmotif_cnn_rnn",
    "basset",
    "lstm",
    "gru",
    "bilstm",
    "bigru",
    "bigru_text",
    "clockwork",
    "onehot_cnn",
    "kmer_cnn",
    "multiscale_cnn",
    "deepsea",
    "danq",
)
EVERY = [pytest.param(name, marks=pytest.mark.slow if name == "inception_v3" else ()) for name in SHIPPED]
EVERY.append(pytest.param("timm:resnet18"))


def inputs_of(name, n=2):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(n, *SIZE[MODELS[name].view], generator=generator)


@pytest.fixture(scope="module")
def build():
    """Models by name, each built once."""
    built = {}

    def get(name):
        if name not in built:
            torch.manual_seed(0)
            built[name] = build_model(name, 2)
        return built[name]

    return get


def test_every_shipped_model_is_tested():
    assert set(SHIPPED) <= set(MODELS)
    ours = {name for name in MODELS if MODELS[name].build.__module__.startswith("classify.")}
    ours = {name for name in ours if MODELS[name].answers == "window"}  # others: test_language_models
    assert ours == set(SHIPPED), "a new model goes into SHIPPED"


@pytest.mark.parametrize("name", EVERY)
def test_forward_backward_and_batch_independence(name, build):
    model, inputs = build(name), inputs_of(name)
    model.train()
    logits = model(inputs)
    assert logits.shape == (2, 2)
    assert torch.isfinite(logits).all()
    F.cross_entropy(logits, torch.tensor([0, 1])).backward()
    without = [key for key, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not without
    assert any(p.grad.abs().sum() > 0 for p in model.parameters())
    model.zero_grad()
    model.eval()
    with torch.no_grad():
        together = model(inputs)
        alone = torch.cat([model(item[None]) for item in inputs])
    assert together.numpy() == pytest.approx(alone.numpy(), rel=1e-3, abs=1e-4)
    assert not torch.allclose(together[0], together[1], atol=0, rtol=0)


@pytest.mark.parametrize("name", EVERY)
def test_weights_round_trip_and_outputs(name, build):
    model, inputs = build(name).eval(), inputs_of(name, 1)
    torch.manual_seed(99)
    other = build_model(name, 2)
    with torch.no_grad():
        assert not torch.equal(other.eval()(inputs), model(inputs))
        other.load_state_dict(model.state_dict())
        assert torch.equal(other.eval()(inputs), model(inputs))
    with torch.no_grad():
        assert build_model(name, 5).eval()(inputs).shape == (1, 5)


@pytest.mark.parametrize(("name", "count"), [("conv7", 744_620), ("conv5", 569_746), ("conv3", 269_174)])
def test_published_parameter_counts(name, count, build):
    assert parameter_count(build(name)) == count
    assert sum(p.numel() for p in build(name).parameters()) == count
    assert f"{count:,}" in MODELS[name].build.__doc__


def test_inception_is_within_the_budget_of_conv7(build):
    assert 300_000 < parameter_count(build("inception")) < 744_620


@pytest.mark.slow
def test_parameters_of_specnet_and_its_twin_by_hand(build):
    width = 64
    block = width * width * 3 + 2 * width + width * width + 2 * width
    body = 4 * block + (9 * width + 1) * 96 + (96 + 1) * 2
    assert parameter_count(build("specnet")) == 3 * 74 * width + 2 * width + body
    assert parameter_count(build("frame_cnn")) == 4 * 12 * width + 2 * width + body


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0)])
def test_specnet_does_not_know_the_order_of_the_frames(order, build):
    """Its filters are shared by the bands and the head is symmetric in them, so no reading frame is the first."""
    model, pictures = build("specnet").eval(), inputs_of("specnet")
    moved = pictures.clone()
    for band, source in enumerate(order):
        moved[:, :, 75 * band : 75 * band + 74] = pictures[:, :, 75 * source : 75 * source + 74]
    with torch.no_grad():
        assert model(moved).numpy() == pytest.approx(model(pictures).numpy(), rel=1e-4, abs=1e-5)
        pictures[:, :, [74, 149]] = 9.0  # the blank rows between the bands are not read
        assert model(moved).numpy() == pytest.approx(model(pictures).numpy(), rel=1e-4, abs=1e-5)


def test_frame_cnn_moves_with_the_frame(build):
    """Three letters more in front change a column, one letter more only which band is which."""
    model = build("frame_cnn").eval()
    letters = torch.zeros(1, 4, 611)
    letters[0, torch.randint(0, 4, (611,), generator=torch.Generator().manual_seed(2)), torch.arange(611)] = 1
    with torch.no_grad():
        places = model.stem(letters)
        columns = places[..., :600].unflatten(2, (200, 3)).transpose(2, 3)
        assert model(letters).numpy() == pytest.approx(model.body(columns.contiguous()).numpy(), rel=1e-4, abs=1e-5)
        turned = model.body(columns[:, :, [1, 2, 0]].contiguous())
        assert turned.numpy() == pytest.approx(model(letters).numpy(), rel=1e-4, abs=1e-5)


def test_specnet_refuses_other_heights():
    with pytest.raises(ValueError, match="expected pictures of 224 rows, got 74"):
        build_model("specnet", 2)(torch.rand(1, 3, 74, 224))


@pytest.mark.parametrize(("rows", "columns"), [(74, 224), (224, 200)])
def test_specnet_site_refuses_other_sizes(rows, columns):
    with pytest.raises(ValueError, match=f"expected pictures of 224 x 224, got .{rows}, {columns}"):
        build_model("specnet_site", 2)(torch.rand(1, 3, rows, columns))


def test_specnet_site_knows_where_things_stand(build):
    """A filter's answer elsewhere is another picture; specnet pools it away but for the edges."""
    model = build("specnet_site").eval()
    pictures = inputs_of("specnet_site", 1)
    with torch.no_grad():
        moved = model(pictures.roll(16, 3)) - model(pictures)
    assert moved.abs().max() > 1e-4
    assert parameter_count(model) == sum((
        3 * 224 * 32 + 64,  # filters and their normalisation
        3 * (3 * 32 * 32 + 64 + 32 * 32 + 64),  # three blocks
        32 * 4 + 4,  # the tap
        (4 * 224 + 32) * 64 + 64 + 2 * 64 + 2,  # the head
    ))  # fmt: skip


def test_inception_v3_parameters(build):
    assert parameter_count(build("inception_v3")) == 21_789_666


def test_layers_of_the_published_networks(build):
    def counts(name):
        kinds = [type(module).__name__ for module in build(name).modules()]
        return [kinds.count(kind) for kind in ("Conv2d", "MaxPool2d", "AvgPool2d", "Linear")]

    assert counts("conv7") == [7, 3, 1, 4]
    assert counts("conv5") == [5, 2, 1, 3]
    assert counts("conv3") == [3, 1, 1, 2]
    assert "reconstruction" in MODELS["conv5"].note
    assert "reconstruction" in MODELS["conv3"].note
    assert "reconstruction" not in MODELS["conv7"].note


def test_flops_of_conv7(build):
    # (inputs, outputs, kernel, side of the output map) of each convolution, then the widths of the FC layers.
    convolutions = [
        (3, 32, 3, 222), (32, 64, 3, 220), (64, 80, 1, 73), (80, 192, 3, 71), (192, 64, 3, 21), (64, 90, 3, 19),
        (90, 192, 3, 17),
    ]  # fmt: skip
    expected = sum(2 * i * o * k * k * side * side for i, o, k, side in convolutions)
    expected += sum(2 * i * o for i, o in [(192, 512), (512, 256), (256, 128), (128, 2)])
    model = build("conv7").train()
    assert flops_per_example(model, torch.zeros(1, 3, 224, 224)) == expected
    assert model.training


def test_frozen_parameters_do_not_count():
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    model[0].requires_grad_(False)
    assert parameter_count(model) == 3


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("conv8", {}, UnknownName, "unknown model 'conv8'; did you mean 'conv[357]'"),
        ("zzz", {}, UnknownName, r"unknown model 'zzz'; known: .*conv7.*timm:<name>"),
        ("timm:resnet17", {}, UnknownName, "unknown timm model 'resnet17'; did you mean .*'resnet1[08]'"),
        ("torchhub:x", {}, UnknownName, "unknown model"),
        ("inception", {"dropuot": 0.1}, UnknownName, "option of model 'inception'.*'dropuot'; did you mean 'dropout'"),
        ("conv7", {"width": 3}, UnknownName, "option of model 'conv7'"),
        ("inception", {"dropout": 3.0}, InputError, "model_options of 'inception'"),
        ("inception", {"dropout": "much"}, InputError, "model_options of 'inception'"),
        ("timm:resnet18", {"no_such_thing": 1}, InputError, "model_options of 'timm:resnet18'"),
        ("inception", {"outputs": 3}, InputError, "outputs"),
    ],
)
def test_bad_names_and_options(name, options, error, message):
    with pytest.raises(error, match=message) as caught:
        build_model(name, 2, options)
    assert "\n" not in str(caught.value)


def test_a_name_can_be_taken_once():
    with pytest.raises(ValueError, match="'conv7' is registered twice"):
        register_model("conv7", view="image", note="")(lambda outputs: torch.nn.Identity())
    assert MODELS["conv7"].build.__name__ == "conv7"
    assert classify.models.MODELS is MODELS


def test_options_reach_the_builder():
    assert build_model("inception", 2, {"dropout": 0.75}).head[0].p == 0.75


def offline(monkeypatch, error):
    asked = []

    def create_model(name, **options):
        asked.append((name, options))
        if options["pretrained"]:
            raise error
        return torch.nn.Linear(1, options["num_classes"])

    monkeypatch.setattr(timm, "create_model", create_model)
    return asked


@pytest.mark.parametrize("error", [OSError("no route\nto host"), RuntimeError("no weights exist")])
def test_pretrained_weights_that_cannot_be_had(monkeypatch, error):
    asked = offline(monkeypatch, error)
    with pytest.raises(InputError, match="timm:resnet18: pretrained weights cannot be had") as caught:
        build_model("timm:resnet18", 2, {"pretrained": True})
    assert "\n" not in str(caught.value)
    assert asked == [("resnet18", {"pretrained": True, "num_classes": 2})]


def test_pretrained_is_off_unless_asked_for(monkeypatch):
    asked = offline(monkeypatch, OSError("must not be asked"))
    assert build_model("timm:resnet18", 7, {"drop_rate": 0.2}).out_features == 7
    assert asked == [("resnet18", {"pretrained": False, "num_classes": 7, "drop_rate": 0.2})]


def test_a_finished_run_fetches_nothing(monkeypatch):
    """Its weights take the place of those that it began with; of Inception v3 these change what becomes of the picture."""
    asked = offline(monkeypatch, OSError("must not be asked"))
    with fetching(False):
        build_model("timm:resnet18", 2, {"pretrained": True})
        assert build_model("inception_v3", 2, {"pretrained": True}).transform_input
    assert asked == [("resnet18", {"pretrained": False, "num_classes": 2})]
    assert not build_model("inception_v3", 2).transform_input
    with pytest.raises(InputError, match="cannot be had"):
        build_model("timm:resnet18", 2, {"pretrained": True})


@pytest.mark.parametrize("option", ["checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"])
def test_weights_from_elsewhere_are_refused(monkeypatch, option):
    """The folder of a run may be a stranger's, and pickles are code."""
    asked = offline(monkeypatch, OSError("must not be asked"))
    with pytest.raises(InputError, match=f"model_options of 'timm:resnet18': {option}: names weights elsewhere"):
        build_model("timm:resnet18", 2, {option: "x"})
    assert asked == []


def test_pretrained_inception_v3_offline(monkeypatch):
    import torchvision.models

    def refuse(*, weights, **options):
        assert weights is torchvision.models.Inception_V3_Weights.IMAGENET1K_V1
        raise OSError("urlopen error")

    monkeypatch.setattr(torchvision.models, "inception_v3", refuse)
    with pytest.raises(InputError, match="inception_v3: pretrained weights cannot be had"):
        build_model("inception_v3", 2, {"pretrained": True})


@pytest.mark.parametrize(
    "name",
    [
        "dilated_lm",
        "dilated_cnn",
        "frame_cnn",
        "specnet",
        "specnet_whole",
        "specnet_site",
        "exon_resnet",
        "kmer_resnet",
    ],
)
def test_blocks_of_which_no_window_has_the_places(name):
    """Forty blocks reach over 2^39 letters, and padding by as many ended the process."""
    least = 0 if name == "kmer_resnet" else 1
    for blocks in (40, least - 1, True, 2.5):
        with pytest.raises(
            InputError, match=rf"expected a whole number from {least} to 20 for blocks .*, got {blocks}$"
        ):
            build_model(name, 4, {"blocks": blocks})
