"""Speaks HTTP: reads requests, asks the domain, answers with pages, JSON or streams."""
