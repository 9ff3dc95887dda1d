"""Filters to motifs on networks made by hand, seqlets, and ``python -m classify motifs`` from end to end."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from toy import fasta, one_line

from classify.__main__ import main
from classify.interpretation.attribution import indicators_of, integrated_gradients, references_of
from classify.interpretation.settings import AttributionSettings
from classify.models import MODELS, build_model, register_model
from classify.motifs.figures import coactivation_order, logo_figure
from classify.motifs.filters import coactivation, filter_motifs, responses
from classify.motifs.formats import meme_text, read_motifs
from classify.motifs.layers import first_layer
from classify.motifs.maps import letter_maps
from classify.motifs.matrices import Motif, motif_of_consensus
from classify.motifs.seqlets import hypothetical, seqlet_motifs
from classify.motifs.settings import FilterSettings
from classify.motifs.similarity import recovery, similarity
from classify.motifs.tomtom import match_motifs
from classify.motifs.watching import onehot
from specgen.errors import InputError
from specgen.sequences import INDICATORS, decode, encode

WORDS = ("GATTACAG", "CCGTAGGA", "TTGACGCA")


def windows_of(n, length=60, seed=0):
    return (1 << np.random.default_rng(seed).integers(4, size=(n, length))).astype(np.uint8)


def planted(n, words, length=60, seed=0, share=1.0):
    """Windows with each of the words at a random place of its own third, in a share of them."""
    rng = np.random.default_rng(seed)
    windows = windows_of(n, length, seed + 1)
    for window in windows:
        for i, word in enumerate(words):
            if rng.random() < share:
                third = length // len(words)
                start = i * third + rng.integers(third - len(word) + 1)
                window[start : start + len(word)] = encode(word)
    return windows


class Detector(nn.Module):
    """Filters that are words, with a bias that lets only whole ones (or with ``slack`` misses) through."""

    def __init__(self, words, slack=0, norm=False, padding=0):
        super().__init__()
        width = len(words[0])
        self.conv = nn.Conv1d(4, len(words), width, padding=padding)
        self.norm = nn.BatchNorm1d(len(words)) if norm else nn.Identity()
        self.relu = nn.ReLU(inplace=True)
        with torch.no_grad():
            for i, word in enumerate(words):
                self.conv.weight[i] = torch.from_numpy(INDICATORS[encode(word)].T)
            self.conv.bias.fill_(-(width - slack - 1) + 0.0)
            if norm:  # as turned about as it can be: the sign of the weights is that of the normalisation
                self.conv.weight.neg_()
                self.conv.bias.neg_()
                self.norm.weight.fill_(-1.0)

    def forward(self, letters):
        best = self.relu(self.norm(self.conv(letters))).amax(2)
        return torch.stack([-best.sum(1), best.sum(1)], 1)


# Finding the layer


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].view == "onehot"])
def test_every_registered_model_of_letters_says_what_reads_them(name):
    model = build_model(name, 2).eval()
    sizes = [(m.in_channels, m.kernel_size[0] > 1) for m in model.modules() if isinstance(m, nn.Conv1d)]
    if (4, True) not in sizes:
        with pytest.raises(InputError, match="no convolution reads the letters"):
            first_layer(model, 101, name)
        return
    layer = first_layer(model, 101, name)
    letters = onehot(windows_of(3, 101))
    found = layer.activations(model, letters)
    convolution = model.get_submodule(layer.name)
    assert found.shape[:2] == (3, convolution.out_channels)
    assert found.min() >= 0
    assert (layer.kernel, layer.filters) == (convolution.kernel_size[0], convolution.out_channels)
    # What a place depends on is what the layer says it reads.
    maps = letter_maps(model, windows_of(1, 101)[0], most=1)
    assert maps[0].name == layer.name
    inside = (layer.starts(found.shape[2]) >= 0) & (layer.starts(found.shape[2]) + layer.offsets[-1] < 101)
    assert maps[0].first[inside] == pytest.approx(layer.starts(found.shape[2])[inside])
    assert maps[0].last[inside] == pytest.approx(layer.starts(found.shape[2])[inside] + layer.offsets[-1])


class Turned(nn.Module):
    """A recurrent network, with something before it or not."""

    def __init__(self, before=None):
        super().__init__()
        self.before = before or nn.Identity()
        self.rnn = nn.LSTM(4 if before is None else 8, 8, batch_first=True)

    def forward(self, letters):
        return self.rnn(self.before(letters).transpose(1, 2))[0][:, -1, :2]


class Embedded(nn.Module):
    """Letters through a table of vectors, then a convolution."""

    def __init__(self):
        super().__init__()
        self.table, self.conv = nn.Linear(4, 8), nn.Conv1d(8, 16, 5)

    def forward(self, letters):
        return self.conv(self.table(letters.transpose(1, 2)).transpose(1, 2)).amax(2)[:, :2]


class BothStrands(nn.Module):
    """One filter over a window and its reverse complement, padded by hand."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 2, 8, dilation=2, padding=3)

    def forward(self, letters):
        both = torch.cat([letters, letters.flip(1, 2)])
        return nn.functional.relu(self.conv(nn.functional.pad(both, (4, 1)))).amax(2)[: len(letters)]


def test_networks_without_filters_of_letters_say_why():
    with pytest.raises(
        InputError, match=r"x: no convolution reads the letters: the network has none; 'rnn' \(LSTM\) reads"
    ):
        first_layer(Turned(), 50, "x")
    with pytest.raises(InputError, match="'before' is one letter wide, an embedding"):
        first_layer(Turned(nn.Conv1d(4, 8, 1)), 50)
    with pytest.raises(
        InputError, match=r"'table' \(Linear\) comes before the first one, 'conv', which reads 8 channels"
    ):
        first_layer(Embedded(), 50)
    with pytest.raises(InputError, match="x: does not read 4 letters"):
        first_layer(Detector(WORDS), 4, "x")
    assert first_layer(Turned(nn.Conv1d(4, 8, 3)), 50).chain == ("before",)


def test_padding_by_hand_dilation_and_both_strands_are_seen():
    layer = first_layer(BothStrands().train(), 50)
    assert (layer.before, layer.dilation, layer.kernel) == (7, 2, 8)
    window = windows_of(2, 50)
    model = BothStrands()
    found = layer.activations(model, onehot(window))
    assert found.shape == (2, 2, 50 + 5 + 6 - 14)
    # A place by hand: eight letters, two apart.
    start = layer.starts(found.shape[2])[20]
    read = torch.from_numpy(INDICATORS[window[:, start + layer.offsets]])
    value = torch.einsum("bkc,fck->bf", read, model.conv.weight) + model.conv.bias
    assert torch.allclose(found[:, :, 20], value.relu(), atol=1e-6)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_mode_of_the_model_comes_back():
    model = Detector(WORDS).train()
    layer = first_layer(model, 60)
    responses(model, layer, windows_of(5))
    letter_maps(model, windows_of(1)[0])
    assert model.training


# Filters to motifs


@pytest.mark.parametrize(
    "settings", [FilterSettings(), FilterSettings(sites="best"), FilterSettings(form="top", top=150)]
)
@pytest.mark.parametrize("norm", [False, True])
def test_a_filter_that_is_a_word_gives_that_word(settings, norm):
    windows = planted(400, WORDS, share=0.5)
    model = Detector(WORDS, norm=norm).eval()
    layer = first_layer(model, 60)
    assert layer.chain == (("conv", "norm", "relu") if norm else ("conv", "relu"))
    for word, found in zip(WORDS, filter_motifs(model, layer, windows, settings), strict=True):
        assert found.core.letters == word
        assert found.motif.probabilities(pseudocount=0) == pytest.approx(
            motif_of_consensus(word).probabilities(pseudocount=0)
        )
        here = [decode(window).count(word) for window in windows]
        if settings.form == "share":
            assert found.sites == (sum(here) if settings.sites == "every" else sum(n > 0 for n in here))
            assert found.sequences == sum(n > 0 for n in here)
        else:
            assert found.sites == 150
        assert found.maximum == pytest.approx(1, abs=1e-4)


def test_a_weight_matrix_comes_back_from_its_sites():
    """One filter whose weights are the log odds of a known matrix, on windows with sites drawn from that matrix."""
    rng = np.random.default_rng(2)
    known = Motif("known", 100 * rng.dirichlet([0.25] * 4, size=9))
    shares = known.probabilities(pseudocount=1)
    windows = windows_of(2000)
    for window in windows:
        start = rng.integers(60 - 9 + 1)
        window[start : start + 9] = [1 << rng.choice(4, p=row) for row in shares]
    model = Detector(["A" * 9])
    with torch.no_grad():
        model.conv.weight[0] = torch.from_numpy(np.log2(shares / 0.25).T.astype(np.float32))
        model.conv.bias.zero_()
    (found,) = filter_motifs(model, first_layer(model, 60), windows, FilterSettings(form="top", top=1500))
    told = similarity(found.motif, known)
    assert told.similarity > 0.97
    assert (told.offset, told.strand, told.overlap) == (0, 1, 9)
    assert np.abs(found.motif.probabilities() - shares).max() < 0.2


def naive_counts(model, layer, windows, share):
    """Window by window, place by place."""
    found = layer.activations(model, onehot(windows)).numpy()
    counts = np.zeros((layer.filters, layer.kernel, 4))
    for f in range(layer.filters):
        for b, window in enumerate(windows):
            for place, start in enumerate(layer.starts(found.shape[2])):
                if (
                    found[b, f, place] > share * found[:, f].max()
                    and start >= 0
                    and start + layer.kernel <= len(window)
                ):
                    letters = decode(window[start : start + layer.kernel])
                    if "=" not in letters and sum(x in "ACGT" for x in letters) >= layer.kernel / 2:
                        for i, letter in enumerate(letters):
                            counts[f, i] += INDICATORS[encode(letter)[0]]
    return counts


def test_counts_are_those_of_loops_with_padding_and_ambiguous_letters():
    windows = windows_of(60, 30)
    rng = np.random.default_rng(1)
    windows[rng.random(windows.shape) < 0.2] = 15
    windows[:5, 25:] = 0
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 6, 6, padding=3), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(6, 2)
    )
    layer = first_layer(model, 30)
    found = filter_motifs(model, layer, windows, FilterSettings(share=0.6, fewest=1))
    naive = naive_counts(model, layer, windows, 0.6)
    assert sum(one.left_out for one in found) > 0
    for one, counts in zip(found, naive, strict=True):
        assert one.motif.counts == pytest.approx(counts)
        assert one.sites == pytest.approx(counts.sum() / 6)


def test_filters_that_never_answer_have_no_motif():
    model = Detector((*WORDS[:1], "AAAAAAAA")).eval()
    with torch.no_grad():
        model.conv.bias[1] = -100
    windows = planted(50, WORDS[:1])
    alive, dead = filter_motifs(model, first_layer(model, 60), windows, FilterSettings())
    assert alive.core is not None
    assert (dead.core, dead.sites, dead.maximum) == (None, 0, 0)
    assert dead.motif.counts.sum() == 0
    for form in (FilterSettings(form="top"), FilterSettings(sites="best")):
        assert filter_motifs(model, first_layer(model, 60), windows, form)[1].sites == 0
    few = filter_motifs(model, first_layer(model, 60), windows[:5], FilterSettings(fewest=6))[0]
    assert (few.sites, few.core) == (5, None)


def test_uninformative_flanks_are_cut():
    model = Detector(["GATTACAG"]).eval()
    wide = nn.Conv1d(4, 1, 12)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, :, 3:11] = model.conv.weight
        wide.bias.copy_(model.conv.bias)
    model.conv = wide
    windows = planted(600, ["GATTACAG"])
    (found,) = filter_motifs(model, first_layer(model, 60), windows, FilterSettings())
    assert (found.start, found.stop) == (3, 11)
    assert found.core.letters == "GATTACAG"
    assert recovery(found.motif, motif_of_consensus("GATTACAG")).alignment.offset == -3


def test_the_planted_motif_is_found_by_training_and_matched_in_a_database_of_three():
    torch.manual_seed(1)
    positives, negatives = planted(600, WORDS[:1], seed=3), windows_of(600, seed=9)
    letters = onehot(np.concatenate([positives, negatives]))
    labels = torch.cat([torch.ones(600), torch.zeros(600)]).long()
    model = nn.Sequential(nn.Conv1d(4, 6, 11), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(6, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(8):
        for index in torch.randperm(1200, generator=generator).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(letters[index]), labels[index]).backward()
            optimiser.step()
    layer = first_layer(model, 60)
    found = responses(model, layer, positives)
    motifs = filter_motifs(model, layer, positives, FilterSettings(share=0.7), found)
    told = [recovery(one.motif, motif_of_consensus(WORDS[0])) for one in motifs if one.core is not None]
    best = max(told, key=lambda one: one.alignment.similarity)
    assert best.recovered
    # In place, without an offset, hardly a letter agrees.
    which = max(motifs, key=lambda one: recovery(one.motif, motif_of_consensus(WORDS[0])).alignment.similarity)
    database = [motif_of_consensus(word) for word in WORDS]
    (matches,) = match_motifs([which.core], database)
    assert matches[0].target.name == WORDS[0]
    assert matches[0].p < matches[1].p
    assert matches[0].similarity > 0.95


def test_coactivation_is_the_correlation_of_maxima():
    windows = planted(300, WORDS, share=0.5)
    model = Detector((*WORDS, WORDS[0]), slack=2).eval()
    found = responses(model, first_layer(model, 60), windows)
    assert found.places[0, 0] == found.places[0, 3]
    correlation = coactivation(found)
    assert correlation == pytest.approx(np.corrcoef(found.values.T.astype(np.float64)))
    assert correlation[0, 3] == pytest.approx(1)
    assert abs(correlation[0, 1]) < 0.3
    order = coactivation_order(correlation).tolist()
    assert abs(order.index(0) - order.index(3)) == 1
    silent = responses(
        Detector(["A" * 8, "C" * 8]), first_layer(Detector(["A" * 8, "C" * 8]), 60), encode("AC" * 30)[None]
    )
    assert np.isnan(coactivation(silent)).all()
    assert coactivation_order(coactivation(silent)).tolist() == []


def test_bad_settings():
    for values in (
        {"share": 1.0}, {"share": 0.0}, {"form": "all"}, {"sites": "some"}, {"background": "x"}, {"top": 0}, {"most": -1},
        {"pseudocount": 0.0}, {"trim": 2.0}, {"least_plain": 0.0}, {"fewest": 0},
    ):  # fmt: skip
        with pytest.raises(InputError, match=rf"filters.{next(iter(values))}"):
            FilterSettings(**values)


# Activation maps


def test_maps_know_which_letters_their_places_read():
    model = nn.Sequential(
        nn.Conv1d(4, 6, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 3, 3), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
    )  # fmt: skip
    with torch.no_grad():
        for layer in (model[0], model[3]):
            layer.bias.fill_(2.0)  # no ReLU is shut
    window = windows_of(1, 40)[0]
    first, second = letter_maps(model, window)
    assert (first.name, second.name) == ("0", "3")
    assert first.first.tolist() == list(range(36))
    assert first.last.tolist() == list(range(4, 40))
    # 36 places, pooled to 18; a place of 3 pooled ones reads 6 of the first map, of 5 letters each.
    assert second.values.shape == (3, 16)
    assert second.first.tolist() == [2 * i for i in range(16)]
    assert second.last.tolist() == [2 * i + 9 for i in range(16)]
    with torch.inference_mode():
        assert torch.allclose(torch.from_numpy(second.values), model[:5](onehot(window[None]))[0])
    assert len(letter_maps(Detector(WORDS), window)) == 1
    assert letter_maps(Turned(), window) == []


def test_a_logo_is_drawn():
    motif = Motif("x", 10 * motif_of_consensus("NACGTN", sites=1).counts)
    drawn = logo_figure(motif, (1, 5))
    (axes,) = drawn.axes
    assert axes.get_ylim() == (0, pytest.approx(2, abs=0.1))
    assert len([patch for patch in axes.patches if patch.get_alpha() == 0.75]) == 2  # the grey flanks


# Seqlets


def test_hypothetical_scores_are_the_attribution_at_the_letters_present():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv1d(4, 5, 6), nn.Tanh(), nn.Flatten(), nn.Linear(5 * 15, 1))
    window = encode("ACGTNACGTTRGCATGCAAC")
    settings = AttributionSettings()
    found = integrated_gradients(
        lambda letters: net(letters)[:, 0], indicators_of(window), references_of(window, settings), settings
    )
    scores = hypothetical(window, found)
    assert scores.sum(axis=1) == pytest.approx(np.zeros(20), abs=1e-9)
    plain = np.array([letter in "ACGT" for letter in decode(window)])
    present = (scores * INDICATORS[window]).sum(axis=1)
    assert present[plain] == pytest.approx(found.letters[plain], abs=1e-6)
    assert scores[4].tolist() == [0, 0, 0, 0]
    with pytest.raises(InputError, match="attribution"):
        hypothetical(window[:5], found)


@pytest.mark.slow
def test_seqlets_give_the_planted_motif():
    pytest.importorskip("modiscolite")
    word = "TGACTCAGCA"
    rng = np.random.default_rng(0)
    windows = planted(400, [word], length=80)
    scores = np.zeros((400, 80, 4))
    for window, score in zip(windows, scores, strict=True):
        start = decode(window).index(word)
        here = INDICATORS[encode(word)] - 0.25
        score[start : start + len(word)] = here
        score += 0.02 * rng.normal(size=score.shape)
    found = seqlet_motifs(windows, scores)
    assert found[0].sign == 1
    assert recovery(found[0].motif, motif_of_consensus(word)).consensus
    assert len(found[0].windows) >= 100
    starts = [decode(windows[i]).index(word) for i in found[0].windows]
    inside = (found[0].starts <= np.array(starts)) & (np.array(starts) < found[0].starts + len(found[0].motif))
    assert inside.mean() > 0.9


def test_bad_seqlets():
    with pytest.raises(InputError, match="windows of at least 25 nt, got 20"):
        seqlet_motifs(windows_of(3, 20), np.zeros((3, 20, 4)))
    with pytest.raises(InputError, match="scores of shape"):
        seqlet_motifs(windows_of(3, 60), np.zeros((3, 60)))


# The command


@register_model("words_test", view="onehot", note="only in tests")
def words_test(outputs: int = 2) -> nn.Module:
    """A network that knows two words."""
    return Detector(WORDS[:2], slack=2)


@register_model("rnn_test", view="onehot", note="only in tests")
def rnn_test(outputs: int = 2) -> nn.Module:
    """A network without convolutions."""
    return Turned()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("motifs")
    texts = (
        [decode(window) for window in planted(120, WORDS[:2])],
        [decode(window) for window in windows_of(120, seed=5)],
    )
    names = ("positives.fa", "negatives.fa")
    for name, told in zip(names, texts, strict=True):
        (folder / name).write_text(fasta((f"{name[0]}{i}", text) for i, text in enumerate(told)))
    for model in ("words_test", "rnn_test"):
        code = main([
            "train", "--model", model, "--data.coding", str(folder / names[0]), "--data.noncoding", str(folder / names[1]),
            "--data.length", "60", "--data.trim", "0", "--training.epochs", "1", "--optimiser.lr", "1e-6",
            "--training.progress", "false", "--training.threads", "1", "--training.test_tiles", "1", "--runs",
            str(folder), "--name", "r",
        ])  # fmt: skip
        assert code == 0
    return folder


def database_of(folder, extra=()):
    path = folder / "three.meme"
    path.write_text(
        meme_text(
            [Motif(f"M{i}", 50 * motif_of_consensus(w, sites=1).counts, w) for i, w in enumerate((*WORDS, *extra))]
        )
    )
    return path


def test_the_command(trained, capsys, tmp_path):
    run = trained / "coding" / "words_test" / "r"
    database = database_of(tmp_path)
    call = ["motifs", "--run", str(run), "--database", str(database), "--split", "all", "--filters.share", "0.8"]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "2 of 2 filters have a motif" in said
    out = run / "motifs"
    body = json.loads((out / "motifs.json").read_text())
    assert body["database"] == {"file": str(database), "motifs": 3, "few": True}
    by_number = {row["number"]: row for row in body["filters"]}
    for number in range(2):
        row = by_number[number]
        assert row["letters"] == WORDS[number]
        assert row["matches"][0]["label"] == WORDS[number]
        assert row["matches"][0]["similarity"] > 0.95
        assert row["auroc"] > 0.9
        assert np.array(row["probabilities"]).sum(axis=1) == pytest.approx(np.ones(8))
        with Image.open(out / "logos" / f"filter_{number}.png") as picture:
            assert min(picture.size) > 50
    assert [m.letters for m in read_motifs(out / "filters.meme")] == list(WORDS[:2])
    together = json.loads((out / "coactivation.json").read_text())
    assert np.array(together["correlation"]).shape == (2, 2)
    page = (out / "motifs.html").read_text()
    assert page.count("data:image/png") == 2 + 2 + 1
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "3 motifs: p and q values depend much on which these are" in page
    hits = body["maps"][0]["hits"]
    assert {hit["filter"] for hit in hits} <= {0, 1}
    assert (out / body["maps"][1]["file"]).is_file()
    # Again, of other sequences: nothing of the first call is left.
    (tmp_path / "more.fa").write_text(fasta([("a", decode(planted(1, WORDS[:1], length=130)[0])), ("b", "ACGT")]))
    assert main([*call, "--input", str(tmp_path / "more.fa"), "--draw", "0", "--filters.fewest", "1"]) == 0
    body = json.loads((out / "motifs.json").read_text())
    assert body["sequences"] == {"file": str(tmp_path / "more.fa"), "tiles": 3, "windows": 3, "shorter_records": 1}
    assert body["filters"][0]["auroc"] is None
    assert not list((out / "maps").glob("*.png"))


def refused(capsys, match, *arguments):
    capsys.readouterr()
    assert main(["motifs", *map(str, arguments)]) == 2
    one_line(capsys, match)


def test_what_the_command_refuses(trained, capsys, tmp_path):
    run, other = trained / "coding" / "words_test" / "r", trained / "coding" / "rnn_test" / "r"
    lstm = "no convolution reads the letters: the network has none; 'rnn' (LSTM)"
    refused(capsys, lstm, "--run", other, "--out", tmp_path / "a")
    refused(capsys, "no such file", "--run", run, "--database", tmp_path / "none")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("x")
    refused(capsys, "holds something that is no result", "--run", run, "--out", tmp_path / "b")
    refused(
        capsys, "unknown split 'tests'; did you mean 'test'", "--run", run, "--split", "tests", "--out", tmp_path / "a"
    )
    refused(capsys, "--draw", "--run", run, "--draw", "-1")
    (tmp_path / "short.fa").write_text(fasta([("a", "ACGT")]))
    refused(capsys, "no record of 60 nt", "--run", run, "--input", tmp_path / "short.fa", "--out", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_model_of_pictures_is_refused(base, capsys):
    refused(capsys, "reads pictures of sequences; there are no filters of letters", "--run", base)
