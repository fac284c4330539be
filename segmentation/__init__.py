"""A reproducible, notebook-driven customer segmentation report."""
