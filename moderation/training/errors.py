"""What can go wrong in a training."""


class TrainingRefused(Exception):
    """The training cannot start or go on. The message says why and what to do next."""
