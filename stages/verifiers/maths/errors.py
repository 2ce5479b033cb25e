"""Why an answer could not be read or judged; who catches them says what that means."""

from __future__ import annotations


class Unread(ValueError):
    """The text is no mathematics that is read here; the message says where."""


class TooLarge(Unread):
    """A number or a precision beyond any answer: nothing was computed."""


class Undefined(ValueError):
    """The expression has no value, as 1/0."""


class NotExact(Exception):
    """Outside of what exact arithmetic knows: the next judge is asked."""


class Undecided(Exception):
    """Only numbers at many digits can tell, which a worker computes."""
