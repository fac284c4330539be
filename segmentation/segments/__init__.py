"""The segments: formed, placed, described and named: chapters 4 and 5."""
