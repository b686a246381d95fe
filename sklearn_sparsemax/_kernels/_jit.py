"""How every kernel of the package is compiled."""

import numba

# Cached: only the first process after an installation compiles. Without the GIL, so
# that threads of a caller's own pool run side by side. Specialised at the first call
# with a dtype rather than by a list of signatures, so that importing compiles nothing.
njit = numba.njit(cache=True, nogil=True)
