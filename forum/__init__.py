"""Hosts discussions: articles as threads, readers' comments, the moderators' desk."""

from pathlib import Path


def house(folder: str) -> Path:
    """Return where `templates` or `migrations` lie: beside the packages, or inside if installed."""
    inside = Path(__file__).parent
    beside = inside.parent / folder
    # Another package's folder of that name could lie beside an installed one.
    if (inside.parent / "pyproject.toml").exists() and beside.is_dir():
        return beside
    return inside / folder
