"""How a run is made: what is planned, what is out of date, who executes it, and what is verified."""
