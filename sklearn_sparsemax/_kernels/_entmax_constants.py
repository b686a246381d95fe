"""Numbers that the kernels of `entmax` share, in NumPy and compiled."""

# Newton's method ends earlier.
MOST_STEPS = 200
# A step of this size, relative to the root, is rounding.
ROUNDING = 2e-16
# For alpha = 1.5, the error after a step of this relative size is its square, so rounding too.
LAST_STEP = 1e-8
# The divergence of q from p is summed as a series if |q - p| (alpha + 1) is at most this times p.
NEAR = 0.5
MOST_TERMS = 60
