"""stub"""


def set_limit(seconds: float) -> None:
    pass
