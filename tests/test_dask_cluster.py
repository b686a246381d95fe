"""Fits over partitions while the cluster changes: workers die, clients close, fits are stopped."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from scipy import sparse

import sklearn_sparsemax as plain

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

from dask.delayed import delayed  # noqa: E402

from sklearn_sparsemax import dask as over  # noqa: E402
from sklearn_sparsemax.dask import _engine  # noqa: E402

pytestmark = pytest.mark.slow

N_PARTITIONS = 6


@pytest.fixture(scope="module")
def cluster():
    options = {"dashboard_address": None, "memory_limit": "2GB"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


def made(number, seed=0):
    """A partition that a worker makes where it needs it: sparse X, and y."""
    rng = np.random.default_rng([seed, number])
    X = rng.standard_normal((300, 20)) * (rng.uniform(size=(300, 20)) < 0.3)
    scores = X[:, :5] + 0.5 * rng.standard_normal((300, 5))
    return sparse.csr_array(X), scores.argmax(axis=1)


def lazy_data(seed=0):
    pairs = [delayed(made, pure=False)(number, seed) for number in range(N_PARTITIONS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def all_data(seed=0):
    X, y = zip(*(made(number, seed) for number in range(N_PARTITIONS)), strict=True)
    return sparse.vstack(X, format="csr"), np.concatenate(y)


class Hook:
    """Calls a function before a task of a number, of a fit on a cluster."""

    def __init__(self, monkeypatch, at, function):
        self.n_tasks = 0
        run = _engine.Cluster.run

        def hooked(engine, graph, keys, task):
            self.n_tasks += 1
            if self.n_tasks == at:
                function()
            return run(engine, graph, keys, task)

        monkeypatch.setattr(_engine.Cluster, "run", hooked)


def kill_a_worker(client, place=0):
    pids = sorted(client.run(os.getpid).values())
    os.kill(pids[place % len(pids)], signal.SIGKILL)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "sdca"])
def test_a_worker_dies(client, monkeypatch, solver):
    X, y = all_data()
    options = {"alpha": 1e-2, "solver": solver, "tol": 1e-9, "max_iter": 5000}
    one = plain.SparsemaxClassifier(**options).fit(X, y)
    hook = Hook(monkeypatch, 14, lambda: kill_a_worker(client))
    many = over.SparsemaxClassifier(**options).fit(*lazy_data())
    assert hook.n_tasks > 14
    assert many.objective_ == pytest.approx(one.objective_, abs=1e-9)
    assert many.dual_gap_ <= 1e-9 * np.log(5)
    # what two gaps of this size allow
    atol = 2 * np.sqrt(2 * 1e-9 * np.log(5) / 1e-2)
    np.testing.assert_allclose(many.coef_, one.coef_, rtol=0, atol=atol)


def is_empty(client):
    """Whether the client holds no future; futures are released in the thread of its loop."""
    for _ in range(50):
        if not client.futures:
            return True
        time.sleep(0.1)
    return False


def test_nothing_is_left(client):
    data = lazy_data()
    over.SparsemaxClassifier(1e-3).fit(*data)
    assert is_empty(client)
    with pytest.raises(ValueError, match="Partition"):
        over.SparsemaxClassifier(1e-3).fit(data[0], [delayed(np.nan * y) for y in data[1]])
    assert is_empty(client)


def test_an_interrupted_fit_leaves_nothing(client, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    Hook(monkeypatch, 8, interrupt)
    model = over.SparsemaxClassifier(1e-3, solver="lbfgs")
    before = vars(model).copy()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*lazy_data())
    assert is_empty(client)
    assert vars(model) == before


def test_a_closed_client(cluster, monkeypatch):
    client = distributed.Client(cluster)
    model = over.SparsemaxClassifier(1e-3, solver="lbfgs", client=client)
    before = vars(model).copy()
    Hook(monkeypatch, 8, client.close)
    with pytest.raises(RuntimeError, match="client is closed"):
        model.fit(*lazy_data())
    with pytest.raises(RuntimeError, match="client is closed"):
        model.fit(*lazy_data())
    assert vars(model) == before


def test_no_worker_is_left(monkeypatch):
    monkeypatch.setattr(_engine, "SECONDS_BETWEEN_LOOKS", 0.2)
    monkeypatch.setattr(_engine, "SECONDS_WITHOUT_WORKERS", 1.0)
    options = {"dashboard_address": None, "processes": False}
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        model = over.SparsemaxClassifier(1e-3, solver="lbfgs", client=client)
        before = vars(model).copy()
        Hook(monkeypatch, 8, lambda: cluster.scale(0))
        with pytest.raises(RuntimeError, match="no worker for 1 seconds during the task"):
            model.fit(*lazy_data())
        assert vars(model) == before


def test_readable_tasks_and_no_more_threads_than_the_workers_have(client):
    def n_threads_inside(dask_worker):
        return dask_worker.state.nthreads

    assert set(client.run(n_threads_inside).values()) == {1}
    over.SparsemaxClassifier(1e-3, solver="lbfgs").fit(*lazy_data())

    def names_and_threads(dask_worker):
        import threading

        ours = [t.name for t in threading.enumerate() if t.name.startswith("sklearn_sparsemax")]
        return sorted(dask_worker.state.task_counter.current_count()), ours

    for _, threads in client.run(names_and_threads).values():
        # a task takes the thread that runs it, and starts no other
        assert threads == []

    def names(dask_scheduler):
        return set(dask_scheduler.task_prefixes)

    assert {"load", "summarise", "encode", "value-and-gradient", "certificate"} <= (
        client.run_on_scheduler(names)
    )
