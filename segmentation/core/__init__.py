"""What everything may use: errors, dataset.yaml, words, privacy, files, the engine, processes, the style of figures."""
