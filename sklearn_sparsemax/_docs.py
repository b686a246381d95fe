"""Descriptions that several docstrings share, written once.

A line of a docstring that holds nothing but ``%(name)s`` stands for the text of that name, which
takes the indentation of the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent, indent
from typing import TypeVar

Documented = TypeVar("Documented")

PLACEHOLDER = re.compile(r"^( *)%\((\w+)\)s$", re.MULTILINE)


def shared_docs(**texts: str) -> Callable[[Documented], Documented]:
    r"""Decorate a function or class whose docstring has placeholders.

    Parameters
    ----------
    **texts : str
        The text of each name, indented as suits the place where it is written.

    Returns
    -------
    decorate : callable
        Fills in the placeholders, and returns what it decorates.

    Raises
    ------
    KeyError
        If a placeholder has no text.

    Examples
    --------
    >>> from sklearn_sparsemax._docs import shared_docs
    >>> @shared_docs(alpha="alpha : float\n    Strength of the penalty.")
    ... def fit(alpha):
    ...     '''Fit.
    ...
    ...     %(alpha)s
    ...     '''
    >>> print(fit.__doc__.splitlines()[3].strip())
    Strength of the penalty.
    """

    def decorate(documented: Documented) -> Documented:
        docstring = documented.__doc__
        if docstring is None:  # python -OO
            return documented

        def text_of(placeholder: re.Match[str]) -> str:
            margin, name = placeholder.groups()
            if name not in texts:
                raise KeyError(
                    f"The docstring of {getattr(documented, '__qualname__', documented)} has the "
                    f"placeholder {name!r}; there are texts for {sorted(texts)}."
                )
            return indent(dedent(texts[name]).strip(), margin)

        documented.__doc__ = PLACEHOLDER.sub(text_of, docstring)
        return documented

    return decorate
