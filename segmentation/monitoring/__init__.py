"""The months after: new customers scored, drift, and two runs compared: chapter 6."""
