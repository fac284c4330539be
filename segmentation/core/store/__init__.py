"""What was computed once, kept for whoever asks for the same again."""
