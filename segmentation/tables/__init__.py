"""Any raw table in, one table out: sources, formats, headers, numbers as people write them, roles that are guessed."""
