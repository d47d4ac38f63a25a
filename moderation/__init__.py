"""Judges texts: scores from a classifier, a policy over them, decisions on record.

This package knows texts and cases. It does not know what an article, a comment or a page is.
"""
