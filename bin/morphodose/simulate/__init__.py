"""A simulated screen with known truth: biology, shapes, stains, optics, files."""
