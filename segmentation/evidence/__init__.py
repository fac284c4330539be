"""How many segments there are, and how sure that is: chapter 3."""
