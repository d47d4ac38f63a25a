"""Measures the forum, as ratios in one run: `python -m bench` prints the table."""
