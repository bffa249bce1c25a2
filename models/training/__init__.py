"""From Examples to a trained model."""
