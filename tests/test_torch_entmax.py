"""Entmax for PyTorch against NumPy, numerical derivatives and the entmax package."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap  # noqa: E402
from torch.nn import functional  # noqa: E402

import sklearn_sparsemax as package  # noqa: E402
from sklearn_sparsemax.torch import (  # noqa: E402
    Attention,
    Entmax,
    EntmaxLoss,
    _entmax_operators,
    _entmax_solver,
    entmax,
    entmax_loss,
    sparsemax,
    sparsemax_loss,
)

ALPHAS = [1, 1.001, 1.2, 1.5, 1.8, 2, 2.5, 4]
# at 1 the derivative by alpha is one-sided, and a difference of both sides is none
INNER_ALPHAS = [1.001, 1.2, 1.5, 1.8, 2.5]
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]

every_alpha = pytest.mark.parametrize("alpha", ALPHAS)
every_inner_alpha = pytest.mark.parametrize("alpha", INNER_ALPHAS)


def scores_of(*shape, seed=0, scale=1.0):
    return torch.from_numpy(scale * np.random.default_rng(seed).normal(size=shape))


def distributions_of(*shape, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1]))


Z, V = scores_of(7, 5), scores_of(7, 5, seed=2)
CLASSES = torch.tensor([0, 1, 2, 3, 4, 0, 1])
LABELS = torch.eye(5, dtype=torch.bool)[CLASSES] | torch.eye(5, dtype=torch.bool)[CLASSES.flip(0)]
DISTRIBUTIONS = distributions_of(7, 5)
TARGETS = {"classes": CLASSES, "label sets": LABELS, "distributions": DISTRIBUTIONS}

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def off_the_kinks(z, alpha):
    """The same scores, none within 1e-3 of its threshold."""
    p = package.entmax(z.numpy(), alpha)
    moved = package.entmax(z.numpy() - 1e-3 * np.sign(z.numpy()), alpha)
    assert_array_equal(p > 0, moved > 0)
    return z.clone().requires_grad_()


def of_rows(alpha):
    """An alpha for each row of Z."""
    return torch.full((7, 1), float(alpha), dtype=torch.float64, requires_grad=True)


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (1,), (4, 1), (2, 3, 4), (0, 3), (1000, 40), (3, 2000)])
@every_alpha
def test_values_are_those_of_numpy(alpha, shape, dtype, device):
    scores = scores_of(*shape).to(dtype)
    for dim in (dim for dim in range(-len(shape), len(shape)) if shape[dim] > 0):
        p = entmax(scores.to(device), alpha, dim)
        assert p.dtype == dtype
        assert p.device.type == device
        expected = package.entmax(scores.numpy(), alpha, axis=dim)
        assert_allclose(p.cpu(), expected, atol=8 * torch.finfo(dtype).eps)
        same = entmax(scores.to(device), torch.tensor(float(alpha)), dim)
        # a tensor holds alpha in its own type
        assert_allclose(same.cpu(), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 30.0, 1e9, 1e300])
@every_alpha
def test_the_way_of_other_devices_agrees_for_scores_of_any_size(alpha, scale):
    scores = scores_of(50, 30, scale=scale)
    scores[0] = scores[0, 0]
    scores[1, 3:] = scores[1, 0]
    scores[2, 0] = -torch.inf
    p = _entmax_solver.solve(scores, torch.full((1, 1), float(alpha), dtype=torch.float64))
    assert_allclose(p, package.entmax(scores.numpy(), alpha), atol=1e-12)


def test_the_ends_of_the_family_are_the_functions_that_it_joins():
    assert torch.equal(entmax(Z, 1), Z.softmax(dim=-1))
    assert torch.equal(entmax(Z, 2), sparsemax(Z))
    for target in TARGETS.values():
        assert torch.equal(entmax_loss(Z, target, 2), sparsemax_loss(Z, target))
    assert_allclose(entmax_loss(Z, CLASSES, 1), functional.cross_entropy(Z, CLASSES), rtol=1e-13)


def test_each_slice_may_have_its_own_alpha():
    alphas = torch.tensor([1, 1.25, 1.5, 2, 3, 1.001, 1.5], dtype=torch.float64)
    p = entmax(Z, alphas[:, None])
    expected = np.stack(
        [package.entmax(z, a) for z, a in zip(Z.numpy(), alphas.tolist(), strict=True)]
    )
    assert_allclose(p, expected, atol=1e-13)
    elsewhere = _entmax_solver.solve(Z, alphas[:, None])
    assert_allclose(elsewhere, expected, atol=1e-13)
    along_first = entmax(Z.T, alphas[None], 0)
    assert torch.equal(along_first, p.T)
    losses = entmax_loss(Z, CLASSES, alphas[:, None], reduction="none")
    expected = [
        float(entmax_loss(Z[[i]], CLASSES[[i]], float(alpha))) for i, alpha in enumerate(alphas)
    ]
    assert_allclose(losses, expected, rtol=1e-12)
    heads = scores_of(2, 3, 4, 5)
    of_heads = torch.tensor([1.2, 1.5, 1.9], dtype=torch.float64).reshape(3, 1, 1)
    for head in range(3):
        alone = entmax(heads[:, head], float(of_heads[head]))
        assert_allclose(entmax(heads, of_heads)[:, head], alone, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype):
    scores = scores_of(20, 3000).to(dtype)
    alpha = torch.tensor(1.5, requires_grad=True)
    p = entmax(scores, alpha)
    assert p.dtype == dtype
    assert torch.equal(p, entmax(scores.float()).to(dtype))
    scores.requires_grad_()
    classes = torch.arange(20)
    (entmax(scores, alpha).square().sum() + entmax_loss(scores, classes, alpha)).backward()
    assert scores.grad.dtype == dtype
    assert scores.grad.isfinite().all()
    assert alpha.grad.dtype == torch.float32
    assert alpha.grad.isfinite()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@every_alpha
def test_rows_without_probabilities_are_nan(alpha, value):
    scores = scores_of(3, 5)
    scores[1, 2] = value
    p = entmax(scores, alpha)
    assert p[1].isnan().all()
    assert_allclose(p[[0, 2]], package.entmax(scores[[0, 2]].numpy(), alpha), atol=1e-14)


def test_agrees_with_the_entmax_package():
    theirs = pytest.importorskip("entmax", reason="needs the entmax package")
    tied = torch.randint(-2, 3, (500, 20), generator=torch.Generator().manual_seed(0)).double() / 4
    for scores in (scores_of(500, 20), tied, 30 * tied, tied + 1e3):
        one, other = scores.clone().requires_grad_(), scores.clone().requires_grad_()
        v = scores_of(500, 20, seed=1)
        p, expected = entmax(one), theirs.entmax15(other, dim=-1)
        assert_allclose(p.detach(), expected.detach(), atol=1e-12)
        clear = ((p == 0) == (expected == 0)).all(dim=1)
        assert clear.sum() > 250
        (p * v).sum().backward()
        (expected * v).sum().backward()
        # at a threshold, the square root of what is rounding counts
        assert_allclose(one.grad[clear], other.grad[clear], atol=1e-6)
        classes = torch.arange(500) % 20
        ours = entmax_loss(scores, classes, reduction="none")
        assert_allclose(ours, theirs.entmax15_loss(scores, classes), rtol=1e-9, atol=1e-12)


@every_inner_alpha
def test_gradients_by_alpha_are_those_of_the_entmax_package(alpha):
    theirs = pytest.importorskip("entmax", reason="needs the entmax package")
    if alpha > 2:
        pytest.skip("entmax_bisect finds the gradient for alpha up to 2")
    scores, v = scores_of(500, 20), scores_of(500, 20, seed=1)
    one, other = (torch.tensor(alpha, dtype=torch.float64, requires_grad=True) for _ in range(2))
    (entmax(scores, one) * v).sum().backward()
    (theirs.entmax_bisect(scores, other.expand(500, 1), n_iter=60) * v).sum().backward()
    # theirs divides by the square of alpha - 1
    assert_allclose(one.grad, other.grad, rtol=1e-6 / (alpha - 1) ** 2)


# --- masks ----------------------------------------------------------------------------------


@every_alpha
def test_masked_scores_get_no_probability_and_no_gradient(alpha):
    scores = scores_of(4, 6).requires_grad_()
    mask = torch.tensor([[1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1], [0] * 6, [1] * 6]).bool()
    learnt = torch.tensor(float(alpha), dtype=torch.float64, requires_grad=True)
    p = entmax(scores, learnt, mask=mask)
    for row in (0, 1, 3):
        alone = entmax(scores.detach()[row][mask[row]], alpha)
        assert_allclose(p.detach()[row][mask[row]], alone, atol=1e-14)
    assert (p[~mask] == 0).all()
    (p * torch.arange(6)).sum().backward()
    assert (scores.grad[~mask] == 0).all()
    assert scores.grad.isfinite().all()
    assert learnt.grad.isfinite()


# --- derivatives ----------------------------------------------------------------------------


@every_inner_alpha
def test_derivatives_of_any_order_and_mode(alpha):
    z = off_the_kinks(Z, alpha)
    inputs = (z, of_rows(alpha))
    assert gradcheck(entmax, inputs, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(entmax, inputs, check_fwd_over_rev=True)


@every_target
@every_inner_alpha
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_derivatives_of_the_loss(alpha, target, smoothing):
    z = off_the_kinks(Z, alpha)

    def losses(z, alpha):
        return entmax_loss(z, target, alpha, label_smoothing=smoothing, reduction="none")

    inputs = (z, of_rows(alpha))
    assert gradcheck(losses, inputs, check_forward_ad=True, check_batched_grad=True)
    if not smoothing:  # which only changes the target
        assert gradgradcheck(losses, inputs, check_fwd_over_rev=True)


@every_inner_alpha
def test_derivatives_by_the_target(alpha):
    q = DISTRIBUTIONS.clone().requires_grad_()

    def losses(z, q):
        return entmax_loss(z, q / q.sum(dim=-1, keepdim=True), alpha, reduction="none")

    assert gradcheck(losses, (off_the_kinks(Z, alpha), q), check_forward_ad=True)


@pytest.mark.parametrize("loss", [False, True])
def test_derivatives_by_alpha_at_the_softmax(loss):
    """Nothing cancels as alpha comes down to 1: the slope there is that of a difference."""
    alphas = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (1.0, 1 + 1e-5)]

    def value(alpha):
        return entmax_loss(Z, DISTRIBUTIONS, alpha) if loss else (entmax(Z, alpha) * V).sum()

    slopes = [torch.autograd.grad(value(alpha), alpha)[0] for alpha in alphas]
    difference = (value(alphas[1]) - value(alphas[0])) / 1e-5
    assert_allclose(sum(slopes) / 2, difference.detach(), rtol=1e-5)
    assert_allclose(slopes[0], slopes[1], rtol=1e-3)


@every_alpha
def test_the_jacobian_is_that_of_numpy(alpha):
    expected = package.entmax_jacobian(Z.numpy(), alpha)
    for differentiate in (jacfwd, jacrev):
        assert_allclose(vmap(differentiate(lambda z: entmax(z, alpha)))(Z), expected, atol=1e-13)
    p = entmax(Z, alpha)
    alphas = torch.full((1, 1), float(alpha), dtype=torch.float64)
    elsewhere = _entmax_operators.multiply_jacobian._init_fn(p, V, alphas)
    assert_allclose(elsewhere, np.einsum("nij,nj->ni", expected, V), atol=1e-13)


@every_target
@pytest.mark.parametrize("alpha", [1, 1.5, 1.8])
def test_the_loss_within_torch_func(target, alpha):
    def loss(z, q):
        return entmax_loss(z[None], q[None], alpha)

    p = entmax(Z, alpha)
    q = DISTRIBUTIONS if target is DISTRIBUTIONS else LABELS / LABELS.sum(1, keepdim=True)
    q = torch.eye(5, dtype=torch.float64)[CLASSES] if target is CLASSES else q
    assert_allclose(vmap(grad(loss))(Z, target), p - q, atol=1e-14)
    expected = package.entmax_jacobian(Z.numpy(), alpha)
    assert_allclose(vmap(hessian(loss))(Z, target), expected, atol=1e-13)
    assert_allclose(jvp(lambda z: loss(z, target[0]), (Z[0],), (V[0],))[1], (p - q)[0] @ V[0])


@pytest.mark.parametrize("in_dims", [(0, None), (0, 0), (None, 0)])
def test_vmap_with_an_alpha_of_its_own_or_a_common_one(in_dims):
    alphas = torch.linspace(1.1, 1.9, 7, dtype=torch.float64)
    z, alpha = Z if in_dims[0] == 0 else Z[0], alphas if in_dims[1] == 0 else alphas[3]
    mapped = vmap(entmax, in_dims=in_dims)(z, alpha)
    for i in range(7):
        of_row = float(alphas[i if in_dims[1] == 0 else 3])
        assert_allclose(mapped[i], entmax(z[i] if in_dims[0] == 0 else z, of_row), atol=1e-14)


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4), (0, 3)])
def test_operators_keep_what_pytorch_expects_of_operators(shape):
    scores = scores_of(*shape).requires_grad_()
    alpha = torch.full((1,) * len(shape), 1.5, dtype=torch.float64, requires_grad=True)
    q = torch.full(shape, 1 / shape[-1], dtype=torch.float64)
    p = entmax(scores).detach()
    torch.library.opcheck(_entmax_operators.map_to_entmax, (scores, alpha))
    torch.library.opcheck(_entmax_operators.multiply_jacobian, (p, scores, alpha))
    torch.library.opcheck(_entmax_operators.evaluate_loss, (scores, q, alpha))
    classes = torch.zeros(shape[:-1], dtype=torch.int64)
    torch.library.opcheck(_entmax_operators.evaluate_class_loss, (scores, classes, alpha, 0.1))


def test_traced_without_a_break():
    for target in TARGETS.values():

        def model(z, alpha, q=target):
            return entmax_loss(entmax(2 * z, alpha), q, alpha, label_smoothing=0.1)

        traced = torch.compile(model, backend="eager", fullgraph=True)
        gradients = []
        for function in (traced, model):
            inputs = Z.clone().requires_grad_(), torch.tensor(1.4, requires_grad=True)
            gradients.append(torch.autograd.grad(function(*inputs), inputs))
        for one, other in zip(*gradients, strict=True):
            assert_allclose(one, other, atol=1e-14)


# --- the loss -------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@every_target
@pytest.mark.parametrize("scale", [0.1, 1.0, 1e8])
@every_alpha
def test_the_loss_is_that_of_numpy(alpha, scale, target, device):
    scores = scale * Z
    expected = package.entmax_loss(scores.numpy(), target.numpy(), alpha, reduction="none")
    losses = entmax_loss(scores.to(device), target.to(device), alpha, reduction="none").cpu()
    assert_allclose(losses, expected, rtol=1e-12, atol=1e-14)
    assert_allclose(entmax_loss(scores, target, alpha), expected.mean(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.1, 1.0])
@every_alpha
def test_label_smoothing_is_a_distribution(alpha, smoothing):
    q = (1 - smoothing) * torch.eye(5, dtype=torch.float64)[CLASSES] + smoothing / 5
    one = entmax_loss(Z, CLASSES, alpha, label_smoothing=smoothing, reduction="none")
    exact = package.entmax_loss(Z.numpy(), q.numpy(), alpha, reduction="none")
    assert_allclose(one, exact, rtol=1e-12, atol=1e-14)


def test_ignored_classes_and_weights():
    target = CLASSES.clone()
    target[[0, 3]] = -100
    counted = [1, 2, 4, 5, 6]
    weight = torch.arange(1.0, 6, dtype=torch.float64)
    losses = entmax_loss(Z, target, weight=weight, reduction="none")
    assert_array_equal(losses[[0, 3]], 0)
    alone = entmax_loss(Z[counted], target[counted], reduction="none")
    of_rows = weight[target[counted]]
    assert_allclose(losses[counted], of_rows * alone, rtol=1e-14)
    mean = entmax_loss(Z, target, weight=weight)
    assert_allclose(mean, (of_rows * alone).sum() / of_rows.sum(), rtol=1e-14)


# --- modules --------------------------------------------------------------------------------


def test_modules_are_the_functions():
    assert torch.equal(Entmax(1.2, 0)(Z), entmax(Z, 1.2, 0))
    mask = Z > 0
    assert torch.equal(Entmax()(Z, mask), entmax(Z, mask=mask))
    options = {"weight": torch.arange(1.0, 6), "ignore_index": 0, "label_smoothing": 0.2}
    module = EntmaxLoss(1.2, **options)
    assert torch.equal(module(Z, CLASSES), entmax_loss(Z, CLASSES, 1.2, **options))
    assert set(module.state_dict()) == {"weight"}
    assert str(Entmax(1.2, 0)) == "Entmax(alpha=1.2, dim=0)"
    assert str(EntmaxLoss(reduction="sum")) == "EntmaxLoss(alpha=1.5, dim=-1, reduction='sum')"


@pytest.mark.parametrize("make", [Entmax, EntmaxLoss])
def test_alpha_is_a_number_a_buffer_or_a_parameter(make):
    learnt = make(torch.nn.Parameter(torch.tensor(1.5)))
    assert dict(learnt.named_parameters()).keys() == {"alpha"}
    fixed = make(torch.tensor(1.5))
    assert not list(fixed.parameters())
    assert set(fixed.state_dict()) == {"alpha"}


def test_the_sparsity_is_learnt():
    """Targets of the sparsemax draw alpha from 1.3 to 2."""
    scores = scores_of(200, 6)
    model = Entmax(torch.nn.Parameter(torch.tensor(1.3, dtype=torch.float64)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    target = sparsemax(scores)
    for _ in range(200):
        optimizer.zero_grad()
        (model(scores) - target).square().sum().backward()
        optimizer.step()
    assert_allclose(model.alpha.detach(), 2, atol=1e-3)


def test_attention():
    attention = Attention(4, attention="entmax").double()
    states, query = scores_of(2, 3, 4), scores_of(2, 4, seed=1)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    context, weights = attention(states, query, mask)
    assert_allclose(weights.sum(dim=1).detach(), [1, 0], atol=1e-14)
    assert_array_equal((weights[~mask]).detach(), 0)
    context.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in attention.parameters())


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda z: entmax(z, 0.9), ValueError, "alpha=0.9; it must be from 1 to 50"),
        (lambda z: entmax(z, "1.5"), TypeError, "alpha='1.5'; a real number"),
        (lambda z: entmax(z, torch.tensor(51.0)), ValueError, "alpha holds 51 to 51"),
        (lambda z: entmax(z, torch.tensor(2)), TypeError, "alpha is of torch.int64"),
        (lambda z: entmax(z, torch.ones(2, 1)), ValueError, r"\(2, 1\), .* to \(3, 1\)"),
        (lambda z: entmax(z, torch.ones(3, 4)), ValueError, r"\(3, 4\), .* to \(3, 1\)"),
        (lambda z: entmax(z.long()), TypeError, "scores are of torch.int64"),
        (lambda z: entmax(z[:, :0]), ValueError, "empty along dim=-1"),
        (lambda z: entmax(z, dim=2), IndexError, "got 2"),
        (lambda z: entmax(z, mask=z), TypeError, "mask is of torch.float64"),
        (lambda z: entmax_loss(z, z.float()), TypeError, "torch.float32"),
        (lambda z: entmax_loss(z, z, 0.5), ValueError, "alpha=0.5"),
        (lambda z: EntmaxLoss(reduction="all"), ValueError, "'all'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(scores_of(3, 4))


MEMORY = """
import resource, sys, torch
from sklearn_sparsemax.torch import entmax_loss
torch.manual_seed(0)
z = torch.randn(1500, 20_000, requires_grad=True)
y = torch.randint(20_000, (1500,))
loss = entmax_loss if sys.argv[1] == "ours" else torch.nn.functional.cross_entropy
entmax_loss(z[:2], y[:2]).backward()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loss(z, y).backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures with the module resource")
def test_classes_take_no_more_memory_than_cross_entropy():
    """No one-hot array: 1500 x 20,000 scores of float32 are 120 MB."""
    peak = {
        name: int(
            subprocess.run(
                [sys.executable, "-c", MEMORY, name], capture_output=True, check=True, text=True
            ).stdout
        )
        for name in ("ours", "cross_entropy")
    }
    assert peak["ours"] <= 1.15 * peak["cross_entropy"]
