"""The first part of a report as a deck: slides in one page, and as a presentation."""
