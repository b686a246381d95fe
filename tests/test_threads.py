"""Blocks on threads: how many, in which order, and what may happen around them."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from sklearn_sparsemax import sparsemax
from sklearn_sparsemax._kernels import threads
from sklearn_sparsemax._kernels.threads import even_bounds, n_threads, run_blocks

LARGE = 10**9
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def two_threads(monkeypatch):
    """What a machine with two free cores and no limit allows, and no pool yet."""
    monkeypatch.setattr(threads, "openmp_effective_n_threads", lambda: 2)
    monkeypatch.setattr(threads, "_pool", None)


def name_of_thread(start, stop):
    return threading.current_thread().name


def in_fresh_process(code, **environment):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    result = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    return result.stdout.split()


def in_forked_process(function):
    """Result of a function in a child that inherits this process as it stands."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function()))
    child.start()
    assert receiver.poll(60), "the child does not answer"
    result = receiver.recv()
    child.join()
    return result


# --- how many -----------------------------------------------------------------------------


def test_large_work_gets_all_threads_and_small_work_one(two_threads):
    assert n_threads(LARGE) == 2
    assert n_threads(2 * threads.WORK_PER_THREAD) == 2
    assert n_threads(2 * threads.WORK_PER_THREAD - 1) == 1
    assert n_threads(0) == 1


def test_threads_grow_with_the_work(monkeypatch):
    monkeypatch.setattr(threads, "openmp_effective_n_threads", lambda: 64)
    assert n_threads(5 * threads.WORK_PER_THREAD) == 5
    assert n_threads(LARGE) == 64


def test_limits_of_threadpoolctl_hold():
    with threadpool_limits(1):
        assert n_threads(LARGE) == 1


@pytest.mark.slow
def test_limits_of_openmp_hold():
    code = f"from sklearn_sparsemax._kernels import threads; print(threads.n_threads({LARGE}))"
    assert in_fresh_process(code, OMP_NUM_THREADS="1") == ["1"]
    assert in_fresh_process(code, OMP_NUM_THREADS="3") == ["3"]


def test_threads_of_a_caller_get_one_each(two_threads):
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(n_threads, [LARGE, LARGE])) == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_workers_of_joblib_get_one_each_on_two_cores(backend):
    parallel = joblib.Parallel(n_jobs=joblib.cpu_count(), backend=backend)
    assert set(parallel(joblib.delayed(n_threads)(LARGE) for _ in range(2))) == {1}


def test_shutdown_of_the_interpreter_starts_no_thread():
    code = (
        "import atexit\n"
        "from sklearn_sparsemax._kernels import threads\n"
        "threads.openmp_effective_n_threads = lambda: 2\n"
        f"atexit.register(lambda: print(threads.n_threads({LARGE})))\n"
    )
    assert in_fresh_process(code) == ["1"]


# --- blocks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_items", "n_blocks", "bounds"),
    [(10, 1, [0, 10]), (10, 3, [0, 3, 6, 10]), (2, 5, [0, 1, 2]), (0, 4, [0, 0])],
)
def test_bounds_are_even(n_items, n_blocks, bounds):
    assert even_bounds(n_items, n_blocks) == bounds


def test_results_come_in_order(two_threads):
    assert run_blocks(lambda start, stop: (start, stop), [0, 3, 4, 9]) == [(0, 3), (3, 4), (4, 9)]


def test_the_caller_runs_a_block_itself(two_threads):
    *others, last = run_blocks(name_of_thread, [0, 1, 2, 3])
    assert last == threading.current_thread().name
    assert all(name.startswith("sklearn_sparsemax") for name in others)


def test_blocks_run_side_by_side(two_threads):
    meeting = threading.Barrier(3)
    # each waits until all have come
    assert sorted(run_blocks(lambda *_: meeting.wait(timeout=60), [0, 1, 2, 3])) == [0, 1, 2]


def test_one_block_starts_no_pool(two_threads):
    assert run_blocks(name_of_thread, even_bounds(5, n_threads(5))) == [
        threading.current_thread().name
    ]
    assert threads._pool is None


def test_the_pool_stays_and_grows(two_threads):
    run_blocks(name_of_thread, [0, 1, 2])
    first = threads._pool
    run_blocks(name_of_thread, [0, 1, 2])
    assert threads._pool is first
    run_blocks(name_of_thread, [0, 1, 2, 3, 4])
    assert threads._pool is not first
    grown = threads._pool
    run_blocks(name_of_thread, [0, 1, 2])
    assert threads._pool is grown


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_exception_is_raised_once_all_blocks_have_ended(two_threads, failing):
    ended = []

    def block(start, stop):
        if start == failing:
            raise ValueError(f"block {start}")
        ended.append(start)

    with pytest.raises(ValueError, match=f"block {failing}"):
        run_blocks(block, [0, 1, 2, 3])
    assert sorted(ended) == sorted({0, 1, 2} - {failing})


# --- a transform that uses them -----------------------------------------------------------


SCORES = np.random.default_rng(0).normal(size=(2 * threads.WORK_PER_THREAD // 4, 4))


@pytest.mark.slow
def test_a_user_with_threads_gets_the_same_bits(two_threads):
    expected = sparsemax(SCORES)
    assert threads._pool is not None
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(sparsemax, [SCORES] * 4):
            assert_array_equal(result, expected)


@needs_fork
@pytest.mark.slow
def test_a_fork_after_a_transform_gets_the_same_bits(two_threads):
    expected = sparsemax(SCORES)
    assert_array_equal(in_forked_process(lambda: sparsemax(SCORES)), expected)


# --- forks --------------------------------------------------------------------------------


@needs_fork
def test_a_forked_child_starts_its_own_pool(two_threads):
    bounds = [0, 1, 2, 3]
    run_blocks(name_of_thread, bounds)
    names = in_forked_process(lambda: run_blocks(name_of_thread, bounds))
    assert len(names) == 3
    assert threads._pool is not None


def test_children_of_a_pool_of_processes_get_one_thread_each(two_threads):
    context = multiprocessing.get_context("spawn" if not hasattr(os, "fork") else "fork")
    with context.Pool(1) as pool:
        assert pool.map(n_threads, [LARGE]) == [1]
