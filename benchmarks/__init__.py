"""Every peer measured side by side: ``python -m benchmarks --help``, and README.md."""
