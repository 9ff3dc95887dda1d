"""What is recommended: chosen by validation, compared on the same windows, and corrected for the number of comparisons."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.special import expit
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reports"))

import recommending
from costs import COLUMNS, Costs
from recommending import contrasts, draws, recommended, told

from classify.chromatin import measures
from classify.significance import holm
from specgen.errors import InputError

N = 120


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(recommending, "RESAMPLES", 300)


def run(folder, noise, seed=0, groups=40, unknown=0):
    """A run on N windows: scores are the truth and noise."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    labels = (np.arange(N) % 3 == 0).astype(np.int8)
    scores = expit(labels + noise * rng.normal(size=N)).astype(np.float32)
    labels[:unknown] = -1
    save_file({"labels": labels[:, None], "probabilities": scores[:, None]}, folder / "predictions.safetensors")
    lines = [f"w{i},{(i * 7) % groups}" for i in range(N)]
    (folder / "predictions.csv").write_text("\n".join(["id,group", *lines, ""]))
    return folder


def row(model, value, seconds, validation, *sets):
    costs = {**dict.fromkeys(COLUMNS), "cpu_seconds": seconds}
    return Costs(model, value, value - 0.02, value + 0.02, costs, sets, validation)


def test_draws_are_of_whole_groups(tmp_path):
    folder = run(tmp_path / "gru" / "a_s0", 1.0, unknown=5)
    drawn, value = draws(folder, "auroc")
    labels = (np.arange(N) % 3 == 0)[5:]
    rng = np.random.default_rng(0)
    scores = expit((np.arange(N) % 3 == 0) + 1.0 * rng.normal(size=N)).astype(np.float32)[5:]
    assert value == pytest.approx(roc_auc_score(labels, scores))
    assert drawn.shape == (300,)
    assert drawn.mean() == pytest.approx(value, abs=0.02)
    # By hand, from the groups that were drawn.
    seen = []
    recommending.draws.cache_clear()
    original = measures.resampled_weights

    def watched(*arguments):
        for block in original(*arguments):
            seen.append(block)
            yield block

    measures.resampled_weights = watched
    try:
        again, _ = draws(folder, "auroc")
    finally:
        measures.resampled_weights = original
    times = np.concatenate(seen)
    groups = [str((i * 7) % 40) for i in range(N)]
    weights = times[:, np.unique(groups, return_inverse=True)[1]]
    assert np.array_equal(again, drawn)
    for one, auroc in zip(weights[:5], drawn[:5], strict=True):
        assert auroc == pytest.approx(roc_auc_score(labels, scores, sample_weight=one[5:]))


def test_a_model_is_drawn_with_the_same_groups_as_another(tmp_path):
    first, second = run(tmp_path / "gru" / "a_s0", 1.0), run(tmp_path / "lstm" / "a_s1", 1.0)
    assert np.array_equal(draws(first, "auroc")[0], draws(second, "auroc")[0])
    other = run(tmp_path / "gru" / "b_s0", 1.0)
    assert not np.array_equal(draws(first, "auroc")[0], draws(other, "auroc")[0])


def test_bits_a_base_are_of_all_bases_together(tmp_path):
    folder = tmp_path / "gru_lm" / "a_s0"
    folder.mkdir(parents=True)
    (folder / "predictions.csv").write_text(
        "\n".join(
            [
                "id,group,bases,bits_per_base,accuracy",
                "a,x,90,1.5,0.4",
                "b,x,10,2.5,0.1",
                "c,y,0,,",
                "d,z,100,2,0.3",
                "",
            ]
        )
    )
    drawn, value = draws(folder, "bits_per_base")
    assert value == pytest.approx((90 * 1.5 + 10 * 2.5 + 100 * 2) / 200)
    assert np.nanmin(drawn) == pytest.approx(1.6)  # x alone
    assert np.nanmax(drawn) == pytest.approx(2.0)


def test_validation_chooses_and_the_test_compares(tmp_path):
    rows = [
        # Better on the test than the one that validation chooses, and dearer: nobody asks.
        row("danq", 0.99, 900.0, 0.80, (run(tmp_path / "danq" / "a_s0", 0.0),)),
        row("gru", 0.90, 90.0, 0.95, (run(tmp_path / "gru" / "a_s0", 0.5, 1), run(tmp_path / "gru" / "a_s1", 0.5, 2))),
        row("lstm", 0.90, 30.0, None, (run(tmp_path / "lstm" / "a_s0", 0.5, 3),)),
        row("gc", 0.6, 1.0, 0.6, (run(tmp_path / "gc" / "a_s0", 9.0, 4),)),
    ]
    found = recommended(rows, "auroc")
    assert (found.take.model, found.chosen.model) == ("lstm", "gru")
    assert [one.row.model for one in found.cheaper] == ["gc", "lstm"]
    assert [one.holm for one in found.cheaper] == pytest.approx(holm([one.p for one in found.cheaper]))
    worst = found.cheaper[0]
    assert worst.worse(True)
    assert not worst.worse(False)
    assert worst.low < worst.difference < worst.high < 0
    text = told(rows, "auroc")
    assert text.startswith(
        "take `lstm`, 0.900 [0.880, 0.920] in 30 CPU s: the cheapest that is not worse beyond chance; "
    )
    assert "validation chooses `gru` of 4: 0.900 [0.880, 0.920] in 90 CPU s" in text
    assert "by Holm for 2 comparisons" in text
    without = told([rows[1], rows[3]], "auroc")
    assert without.startswith("take `gru`; validation chooses")
    assert "The one cheaper model is worse beyond chance" in without
    assert "nothing is cheaper" in told(rows[1:2], "auroc")


def test_the_more_is_compared_the_less_is_beyond_chance(tmp_path):
    chosen = row("gru", 0.9, 90.0, 0.95, (run(tmp_path / "gru" / "a_s0", 0.4, 1),))
    rivals = [row(f"m{i}", 0.9, 9.0 + i, 0.5, (run(tmp_path / f"m{i}" / "a_s0", 0.4, 10 + i),)) for i in range(8)]
    alone, together = contrasts(rivals[:1], chosen, "auroc")[0], contrasts(rivals, chosen, "auroc")[0]
    assert (alone.p, alone.difference) == (together.p, together.difference)
    assert alone.holm == alone.p
    assert together.holm >= together.p


def test_differences_are_means_over_sets(tmp_path):
    ours = [(run(tmp_path / "gru" / f"{name}_s0", 0.5, 1),) for name in "ab"]
    theirs = [(run(tmp_path / "lstm" / f"{name}_s0", noise, 2),) for name, noise in (("a", 0.2), ("b", 2.0))]
    found = contrasts([row("lstm", 0.9, 1.0, 0.5, *theirs)], row("gru", 0.9, 9.0, 0.6, *ours), "auroc")[0]
    each = [draws(b, "auroc")[1] - draws(a, "auroc")[1] for ((a,), (b,)) in zip(ours, theirs, strict=True)]
    assert found.difference == pytest.approx(np.mean(each))


def test_runs_on_other_windows_are_refused(tmp_path):
    ours, theirs = run(tmp_path / "gru" / "a_s0", 0.5), run(tmp_path / "lstm" / "a_s0", 0.5, groups=20)
    with pytest.raises(InputError, match=r"lstm.a_s0: was tested on other windows"):
        contrasts([row("lstm", 0.9, 1.0, 0.5, (theirs,))], row("gru", 0.9, 9.0, 0.6, (ours,)), "auroc")


def test_what_cannot_be_tested_is_not_taken(tmp_path):
    ours, theirs = (run(tmp_path / model / "a_s0", 0.5, i, groups=1) for i, model in enumerate(("gru", "lstm")))
    rows = [row("gru", 0.9, 90.0, 0.9, (ours,)), row("lstm", 0.9, 9.0, 0.8, (theirs,))]
    assert recommended(rows, "auroc").take.model == "gru"


def test_nothing_is_chosen_without_validation_or_cost(tmp_path):
    assert recommended([], "auroc") is None
    rows = [row("gru", 0.9, 90.0, None, (run(tmp_path / "gru" / "a_s0", 0.5),)), row("lstm", 0.9, None, 0.9)]
    assert recommended(rows, "auroc") is None
    assert told(rows, "auroc").startswith("not made yet")
