"""`python -m sklearn_sparsemax`: the experiments, from the command line."""

import sys

from .experiments import main

if __name__ == "__main__":
    sys.exit(main())
