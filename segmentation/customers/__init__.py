"""From a raw table to clean customers, counted: chapters 1 and 2."""
