"""Networks on k-mers: the embedding against sums over all k-mers, files of vectors, and sequences that keep to themselves."""

import itertools

import numpy as np
import pytest
import torch
from nets import letters

from classify.cost import parameter_count
from classify.models import build_model
from classify.models.kmers import CHUNK, KmerEmbedding
from classify.views import OneHotView
from specgen.errors import InputError
from specgen.sequences import encode


def table(k, width=3):
    return torch.randn(4**k, width, generator=torch.Generator().manual_seed(k))


def naive(vectors, k, inputs):
    """Each place: the sum over all k-mers of their vectors, times the product of the indicators."""
    told = torch.zeros(len(inputs), vectors.shape[1], inputs.shape[2] - k + 1)
    for row, kmer in enumerate(itertools.product(range(4), repeat=k)):
        for place in range(told.shape[2]):
            weight = torch.stack([inputs[:, letter, place + i] for i, letter in enumerate(kmer)]).prod(0)
            told[:, :, place] += weight[:, None] * vectors[row]
    return told


@pytest.mark.parametrize("k", [1, 3, 4])
@pytest.mark.parametrize("kind", ["one-hot", "some unknown", "noise"])
def test_the_embedding_by_its_definition(k, kind):
    inputs = letters(2, 12)
    if kind == "some unknown":
        inputs[0, :, 5] = 0.25  # N
        inputs[1, :, 9:] = 0.0  # padding
        inputs[1, :, 2] = torch.tensor([0.5, 0, 0.5, 0])  # R
    if kind == "noise":
        inputs = inputs + 0.1 * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(5))
    embedding = KmerEmbedding(k, table(k))
    expected = naive(table(k), k, inputs)
    assert torch.allclose(embedding(inputs), expected, atol=1e-5)
    with_gradient = embedding(inputs.requires_grad_())
    assert torch.allclose(with_gradient, expected, atol=1e-5)


def test_rows_are_in_alphabetical_order():
    inputs = OneHotView()(torch.from_numpy(np.stack([encode(b"AAAC"), encode(b"TTGA"), encode(b"ACGN")])))
    places = KmerEmbedding(3, torch.arange(64.0)[:, None])(inputs)[:, 0]
    assert places[0].tolist() == [0, 1]
    assert places[1].tolist() == [62, 56]
    assert places[2].tolist() == [6, 4 * 6 + 1.5]


def test_gradients_of_letters_and_vectors():
    """Looked up or multiplied out, the vectors get the same gradients; the letters get those of the products."""
    vectors = table(3).double()
    plain, whole = KmerEmbedding(3, vectors), KmerEmbedding(3, vectors)
    inputs = letters(2, 9).double()
    inputs[0, :, 4] = 0.25
    plain(inputs).square().sum().backward()
    asked = inputs.clone().requires_grad_()
    whole(asked).square().sum().backward()
    assert torch.allclose(plain.vectors.grad, whole.vectors.grad)
    assert torch.autograd.gradcheck(whole, asked.detach().requires_grad_())


def test_more_uncertain_letters_than_a_chunk_holds():
    inputs = torch.full((2, 4, CHUNK), 0.25)
    found = KmerEmbedding(3, table(3))(inputs)
    assert found.shape == (2, 3, CHUNK - 2)
    assert torch.allclose(found, table(3).mean(0)[:, None].expand_as(found), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("onehot_cnn", {}),
        *(("kmer_cnn", {"k": k}) for k in (3, 4, 5, 6)),
        ("multiscale_cnn", {}),
        ("kmer_cnn", {"kernel": 8}),
    ],
)
@pytest.mark.parametrize("length", [10, 101, 600])
def test_any_window_and_any_neighbours(name, options, length):
    """A sequence's logits are its own: beside others, alone, at another place of the batch, and beside unknown letters."""
    torch.manual_seed(0)
    model, inputs = build_model(name, 3, {"width": 8} | options).eval(), letters(5, length)
    unknown = torch.cat([torch.full((1, 4, length), 0.25), inputs[:1]])
    with torch.no_grad():
        together = model(inputs)
        assert together.shape == (5, 3)
        others = torch.cat([letters(3, length, seed=9), inputs[:1]])
        assert torch.allclose(model(others)[3], together[0], atol=1e-5)
        assert torch.allclose(model(inputs[1:2])[0], together[1], atol=1e-5)
        assert torch.allclose(model(inputs.flip(0)).flip(0), together, atol=1e-5)
        assert torch.allclose(model(unknown)[1], together[0], atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-6)


def test_kmer_cnn_differs_from_its_control_in_the_input_alone():
    control, model = build_model("onehot_cnn", 2), build_model("kmer_cnn", 2, {"k": 5, "embedding": 32})
    first = (32 - 4) * 64 * 11
    assert parameter_count(model) - parameter_count(control) == 4**5 * 32 + first
    assert [type(m) for m in model.modules()][2:] == [type(m) for m in control.modules()][2:]
    body = 11 * 4 * 64 + 5 * 64 * 128 + 5 * 128 * 256 + 2 * (64 + 128 + 256)
    assert parameter_count(control) == body + 513 * 256 + 257 * 2


def test_parameters_of_multiscale_by_hand():
    first = 4 * 32 * (5 + 11 + 21 + 41) + 256
    second = 128 * 32 * (3 + 5 + 11 + 21) + 256
    assert parameter_count(build_model("multiscale_cnn", 2)) == first + second + 257 * 128 + 129 * 2


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_given_vectors(tmp_path, monkeypatch, frozen, dtype):
    given = table(4, 5).numpy().astype(dtype)
    np.save(tmp_path / "vectors.npy", given)
    monkeypatch.setenv("VECTORS", str(tmp_path))
    options = {"k": 4, "vectors": "$VECTORS/vectors.npy", "frozen": frozen}
    model = build_model("kmer_cnn", 2, options)
    held = model.embedding.vectors
    assert held.dtype == torch.float32
    assert torch.equal(held, torch.from_numpy(given).float())
    assert model.features[0].in_channels == 5
    before = held.detach().clone()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    model(letters(4, 60)).square().sum().backward()
    optimiser.step()
    assert torch.equal(model.embedding.vectors, before) == frozen
    other = build_model("kmer_cnn", 2, options)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.embedding.vectors, model.embedding.vectors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            np.zeros((256, 2), dtype=np.int64),
            r"expected floats \(4\*\*k, width\) with 64, 256, .*, got int64 \(256, 2\)",
        ),
        (np.zeros((255, 2)), r"got float64 \(255, 2\)"),
        (np.zeros(256), r"got float64 \(256,\)"),
        (np.zeros((256, 0)), r"got float64 \(256, 0\)"),
        (np.zeros((64, 2)), "expected 256 rows for k of 4, got 64"),
        (np.full((256, 2), np.nan), r"row 0: expected finite numbers, got \[nan, nan\]"),
        (np.array([[{}]], dtype=object), "cannot be read as a .npy file without objects"),
        (b"", "cannot be read as a .npy file without objects"),
        (b"AAAA 0.1 0.2\n", "cannot be read as a .npy file without objects"),
    ],
)
def test_files_of_vectors_that_cannot_be_used(tmp_path, content, message):
    file = tmp_path / "vectors.npy"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content, allow_pickle=True)
    with pytest.raises(InputError, match=message) as caught:
        build_model("kmer_cnn", 2, {"k": 4, "vectors": str(file)})
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_is_no_file_of_vectors(tmp_path):
    np.savez(tmp_path / "several.npz", a=np.zeros((64, 2)))
    with pytest.raises(InputError, match=r"several.npz: cannot be read as a .npy file"):
        build_model("kmer_cnn", 2, {"k": 3, "vectors": str(tmp_path / "several.npz")})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("kmer_cnn", {"k": 2}, "kmer_cnn: expected k of 3 to 6, got 2"),
        ("kmer_cnn", {"k": 7}, "kmer_cnn: expected k of 3 to 6, got 7"),
        ("kmer_cnn", {"k": 3.5}, "kmer_cnn: expected a whole number of at least 1 for k, got 3.5"),
        ("kmer_cnn", {"embedding": 0}, "kmer_cnn: expected a whole number of at least 1 for embedding"),
        ("kmer_cnn", {"frozen": True}, "frozen vectors have to come from a file"),
        ("onehot_cnn", {"kernel": 0}, "onehot_cnn: expected a whole number of at least 1 for kernel"),
        ("multiscale_cnn", {"kernels": []}, r"multiscale_cnn: expected kernels to be a list .*, got \[\]"),
        ("multiscale_cnn", {"kernels": [5, 0]}, r"multiscale_cnn: expected a whole number .* for kernels\[1\], got 0"),
        ("multiscale_cnn", {"width": 130}, "multiscale_cnn: expected a width that 4 kernels can share, got 130"),
    ],
)
def test_networks_that_cannot_be(name, options, message):
    with pytest.raises(InputError, match=message):
        build_model(name, 2, options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.npy: no such file"):
        build_model("kmer_cnn", 2, {"vectors": str(tmp_path / "nothing.npy")})
