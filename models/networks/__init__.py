"""Networks trained from scratch with Keras."""
