"""Speed and memory, measured here and now; nothing depends on the figures.

``python -m benchmarks`` prints every figure beside its ratio to a baseline of the same benchmark,
measured in the same run on the same clips. The figures are not comparable between machines, the
ratios roughly are.
"""
