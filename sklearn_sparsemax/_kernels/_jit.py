"""How every kernel of the package is compiled."""

import numba

# Cached: only the first process after an installation compiles. Without the GIL, so
# that threads of a caller's own pool run side by side. Specialised at the first call
# with a dtype rather than by a list of signatures, so that importing compiles nothing.
njit = numba.njit(cache=True, nogil=True)

# The same, with leave to add up numbers side by side. Their order then depends on the
# processor, but on nothing that changes from call to call.
sums_in_any_order = numba.njit(cache=True, nogil=True, fastmath={"reassoc"})
