"""How every kernel of the package is compiled."""

import numba

# With a cache: only the first process after an installation compiles. Without the GIL: several
# threads run at the same time. Without a list of signatures: the first call with a dtype compiles,
# so that importing compiles nothing.
njit = numba.njit(cache=True, nogil=True)

# The same, but sums may be added in any order, so that the compiler can use vector instructions.
# The order then depends on the processor. It does not change from call to call. A division by 0
# gives an infinity or NaN, as in NumPy: the test for an error would prevent vector instructions.
sums_in_any_order = numba.njit(cache=True, nogil=True, fastmath={"reassoc"}, error_model="numpy")

# Divisions as in NumPy, without sums in any order.
njit_dividing = numba.njit(cache=True, nogil=True, error_model="numpy")
