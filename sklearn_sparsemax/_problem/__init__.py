"""What a solver minimises: the objective, its intercept, its certificate and its progress."""
