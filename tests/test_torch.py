"""Sparsemax for PyTorch against NumPy, numerical derivatives and the entmax package."""

from __future__ import annotations

import subprocess
import sys

import pytest
from numpy.testing import assert_allclose, assert_array_equal

import sklearn_sparsemax

torch = pytest.importorskip("torch", reason="needs the extra torch")
from sklearn_sparsemax.torch import (  # noqa: E402
    Sparsemax,
    SparsemaxLoss,
    _operators,
    sparsemax,
    sparsemax_loss,
)

SHAPES = [(7,), (1,), (4, 1), (3, 5), (2, 3, 4), (0, 3), (1000, 40)]
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def scores_of(shape, dtype=torch.float64, seed=0, scale=1.0, **options):
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    return scores.to(dtype=dtype, **options)


def off_the_kinks(shape, seed=0):
    """Scores of which none lies within 1e-3 of the threshold of its row."""
    scores = scores_of(shape, seed=seed)
    tau = torch.from_numpy(sklearn_sparsemax.sparsemax_threshold(scores.numpy()))
    near = (scores - tau).abs() < 1e-3
    return (scores - 2 * near).requires_grad_()


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_those_of_numpy(shape, dtype, device):
    scores = scores_of(shape, dtype)
    for dim in (dim for dim in range(-len(shape), len(shape)) if shape[dim] > 0):
        p = sparsemax(scores.to(device), dim)
        assert p.dtype == dtype
        assert p.device.type == device
        expected = sklearn_sparsemax.sparsemax(scores.numpy(), axis=dim)
        assert_allclose(p.cpu(), expected, atol=4 * torch.finfo(dtype).eps)
        assert_array_equal(p.cpu().numpy() == 0, expected == 0)


@pytest.mark.parametrize("project", [_operators.project, _operators._project])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 30.0, 1e9, 1e300])
def test_both_ways_to_the_threshold_agree_for_scores_of_any_size(project, scale):
    scores = scores_of((50, 30), scale=scale)
    scores[0] = scores[0, 0]
    scores[1, 3:] = scores[1, 0]
    scores[2, 0] = -torch.inf
    expected = sklearn_sparsemax.sparsemax(scores.numpy())
    assert_allclose(project(scores), expected, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype):
    scores = scores_of((20, 3000), dtype)
    p = sparsemax(scores)
    assert p.dtype == dtype
    assert torch.equal(p, sparsemax(scores.float()).to(dtype))
    scores.requires_grad_()
    sparsemax(scores).square().sum().backward()
    assert scores.grad.dtype == dtype
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_rows_without_a_projection_are_nan(value):
    scores = scores_of((3, 5))
    scores[1, 2] = value
    p = sparsemax(scores)
    assert p[1].isnan().all()
    assert_allclose(p[[0, 2]], sklearn_sparsemax.sparsemax(scores[[0, 2]].numpy()), atol=1e-15)


def test_agrees_with_entmax():
    entmax = pytest.importorskip("entmax", reason="needs the entmax package")
    tied = torch.randint(-2, 3, (500, 20), generator=torch.Generator().manual_seed(0)).double() / 4
    for scores in (scores_of((500, 20)), tied):
        ours, theirs = scores.clone().requires_grad_(), scores.clone().requires_grad_()
        v = scores_of((500, 20), seed=1)
        p, expected = sparsemax(ours), entmax.sparsemax(theirs, dim=-1)
        assert_allclose(p.detach(), expected.detach(), atol=1e-14)
        # at a threshold, either may count an entry to the support
        clear = ((p == 0) == (expected == 0)).all(dim=1)
        assert clear.sum() > 250
        (p * v).sum().backward()
        (expected * v).sum().backward()
        assert_allclose(ours.grad[clear], theirs.grad[clear], atol=1e-14)


# --- masks ----------------------------------------------------------------------------------


def test_masked_scores_get_no_probability_and_no_gradient():
    scores = scores_of((4, 6)).requires_grad_()
    mask = torch.tensor([[1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1], [0] * 6, [1] * 6]).bool()
    p = sparsemax(scores, mask=mask)
    for row in (0, 1, 3):
        alone = sparsemax(scores.detach()[row][mask[row]])
        assert_allclose(p.detach()[row][mask[row]], alone, atol=1e-15)
    assert (p[~mask] == 0).all()
    (p * torch.arange(6)).sum().backward()
    assert (scores.grad[~mask] == 0).all()
    assert scores.grad.isfinite().all()


def test_masks_broadcast():
    scores = scores_of((2, 3, 5))
    lengths = torch.tensor([3, 5])
    mask = (torch.arange(5) < lengths[:, None])[:, None]
    p = sparsemax(scores, mask=mask)
    assert_allclose(p[0, :, :3], sparsemax(scores[0, :, :3]), atol=1e-15)
    assert (p[0, :, 3:] == 0).all()
    assert torch.equal(p[1], sparsemax(scores[1]))
    along_another = sparsemax(scores.movedim(-1, 0), 0, mask=mask.movedim(-1, 0))
    assert torch.equal(along_another, p.movedim(-1, 0))
    row = torch.tensor([True, False, True, True, False])
    assert torch.equal(sparsemax(scores, mask=row), sparsemax(scores, mask=row.expand(2, 3, 5)))


# --- derivatives ----------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_derivatives(dim):
    scores = off_the_kinks((3, 4, 5)).detach().movedim(-1, dim).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: sparsemax(z, dim), scores)
    assert torch.autograd.gradgradcheck(lambda z: sparsemax(z, dim) ** 2, scores)


@pytest.mark.parametrize("kind", ["classes", "label sets", "distributions"])
def test_derivatives_of_the_loss(kind):
    scores = off_the_kinks((6, 5))
    target = targets_of(kind, 6, 5)
    for reduction in ("mean", "sum", "none"):
        evaluate = lambda z: sparsemax_loss(z, target, reduction=reduction)  # noqa: B023, E731
        assert torch.autograd.gradcheck(evaluate, scores)
        assert torch.autograd.gradgradcheck(evaluate, scores)


def test_the_jacobian_is_that_of_numpy():
    scores = scores_of((20, 9))
    v = scores_of((20, 9), seed=1)
    expected = sklearn_sparsemax.sparsemax_jvp(scores.numpy(), v.numpy())
    _, product = torch.autograd.functional.vjp(sparsemax, scores, v)
    assert_allclose(product, expected, atol=1e-15)
    on_any_device = _operators.multiply_jacobian._init_fn(sparsemax(scores), v)
    assert_allclose(on_any_device, expected, atol=1e-15)


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4), (0, 3)])
def test_operators_keep_what_pytorch_expects_of_operators(shape):
    scores = scores_of(shape).requires_grad_()
    q = torch.full(shape, 1 / shape[-1], dtype=torch.float64)
    torch.library.opcheck(_operators.project, (scores,))
    torch.library.opcheck(_operators.multiply_jacobian, (sparsemax(scores).detach(), scores))
    torch.library.opcheck(_operators.evaluate_loss, (scores, q))


# --- the loss -------------------------------------------------------------------------------


def targets_of(kind, n_rows, n_outputs):
    generator = torch.Generator().manual_seed(3)
    if kind == "classes":
        return torch.randint(n_outputs, (n_rows,), generator=generator)
    if kind == "label sets":
        labels = torch.rand(n_rows, n_outputs, generator=generator) < 0.4
        labels[:, 0] |= ~labels.any(dim=1)
        return labels
    q = torch.rand(n_rows, n_outputs, generator=generator, dtype=torch.float64)
    return q / q.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["classes", "label sets", "distributions"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 1e8])
def test_the_loss_is_that_of_numpy(kind, scale, device):
    scores = scores_of((30, 6), scale=scale)
    target = targets_of(kind, 30, 6)
    expected = sklearn_sparsemax.sparsemax_loss(scores.numpy(), target.numpy(), reduction="none")
    losses = sparsemax_loss(scores.to(device), target.to(device), reduction="none").cpu()
    assert_allclose(losses, expected, rtol=1e-12, atol=1e-15)
    assert_allclose(sparsemax_loss(scores, target), expected.mean(), rtol=1e-12)
    assert_allclose(sparsemax_loss(scores, target, reduction="sum"), expected.sum(), rtol=1e-12)
    along_first = sparsemax_loss(
        scores.T, target if kind == "classes" else target.T, 0, reduction="none"
    )
    assert torch.equal(along_first, losses)


def test_modules_are_the_functions():
    scores, target = scores_of((4, 5)), torch.tensor([0, 1, 2, 4])
    assert torch.equal(Sparsemax(0)(scores), sparsemax(scores, 0))
    assert torch.equal(SparsemaxLoss()(scores, target), sparsemax_loss(scores, target))
    mask = scores > 0
    assert torch.equal(Sparsemax()(scores, mask), sparsemax(scores, mask=mask))
    assert str(Sparsemax(0)) == "Sparsemax(dim=0)"
    assert str(SparsemaxLoss(reduction="sum")) == "SparsemaxLoss(dim=-1, reduction='sum')"


# --- compilation, errors, imports -----------------------------------------------------------


def test_graphs_do_not_break():
    graphs = []

    def count(graph, inputs):
        graphs.append(graph)
        return graph.forward

    def model(scores, target):
        return sparsemax_loss(sparsemax(2 * scores), target)

    scores, target = scores_of((4, 5)), torch.tensor([0, 1, 2, 4])
    traced = torch.compile(model, backend=count, fullgraph=True)(scores, target)
    assert torch.equal(traced, model(scores, target))
    assert len(graphs) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda z: sparsemax(z.long()), TypeError, "scores are of torch.int64"),
        (lambda z: sparsemax(z[:, :0]), ValueError, "empty along dim=-1"),
        (lambda z: sparsemax(z, 2), IndexError, "got 2"),
        (lambda z: sparsemax(z, mask=z), TypeError, "mask is of torch.float64"),
        (lambda z: sparsemax(z, mask=z[:1, :2] > 0), ValueError, r"\(1, 2\)"),
        (lambda z: sparsemax(z, mask=z[None] > 0), ValueError, r"\(1, 3, 4\)"),
        (lambda z: sparsemax_loss(z, torch.zeros(4).long()), ValueError, r"\(4,\)"),
        (lambda z: sparsemax_loss(z, torch.zeros(3)), ValueError, r"\(3,\)"),
        (lambda z: sparsemax_loss(z, z.float()), TypeError, "torch.float32"),
        (lambda z: sparsemax_loss(z, z, reduction="all"), ValueError, "'all'"),
        (lambda z: SparsemaxLoss(reduction="all"), ValueError, "'all'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(scores_of((3, 4)))


def test_the_package_does_not_import_torch():
    code = "import sys, sklearn_sparsemax; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_torch_the_error_says_what_to_install():
    code = (
        "import sklearn_sparsemax, sys; sys.modules['torch'] = None; import sklearn_sparsemax.torch"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode != 0
    assert "pip install 'sklearn-sparsemax[torch]'" in result.stderr
