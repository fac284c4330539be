"""A run: its stages, its folder, its manifest, and the finished run that another starts from."""
