"""The log of the champion: each move is one tag of the registered model.

A move is written as pending, then the ``champion`` alias moves, then the mark is taken off. Where
that breaks, the newest move stays pending: it counts when the alias is where it says, else it never
happened. So the log and the alias agree whatever broke.

A home of an earlier release has its first moves together in one tag.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate

ALL_IN_ONE = "champion_log"
"""Tag of earlier releases: a list of moves."""

ROOM = 4900
"""Characters of one move: MLflow's databases keep 5,000, and a mark has to fit in."""

_START = "champion_move."
_PENDING = "pending"
_WHO = 200
_CUT = "…"


def read_moves(tags: Mapping[str, str], champion: str | None) -> list[dict[str, str]]:
    """Return the moves that happened, oldest first.

    Parameters
    ----------
    tags : mapping
        Of the registered model.
    champion : str or None
        Where the alias is.
    """
    moves: list[dict[str, str]] = json.loads(tags.get(ALL_IN_ONE, "[]"))
    keys = _keys(tags)
    for key in keys:
        move = json.loads(tags[key])
        pending = move.pop(_PENDING, False)
        if not pending or (key == keys[-1] and move["version"] == champion):
            moves.append(move)
    return moves


def unsettled(tags: Mapping[str, str], champion: str | None) -> dict[str, str]:
    """Return the tag of a move that happened and is pending still, without its mark."""
    for key in _keys(tags)[-1:]:
        move = json.loads(tags[key])
        if move.pop(_PENDING, False) and move["version"] == champion:
            return {key: json.dumps(move)}
    return {}


def next_key(tags: Mapping[str, str]) -> str:
    """Return the tag of the next move.

    Examples
    --------
    >>> next_key({"champion_move.000041": "{}", "champion_move.000042": "{}"})
    'champion_move.000043'
    """
    newest = max((int(key.removeprefix(_START)) for key in _keys(tags)), default=0)
    return f"{_START}{newest + 1:06d}"


def fitting(move: Mapping[str, str]) -> dict[str, str]:
    """Return a move that fits into a tag: of a long reason the start."""
    whole = {**move, "who": move["who"][:_WHO]}
    if len(json.dumps(whole)) <= ROOM:
        return whole
    room = ROOM - len(json.dumps({**whole, "why": _CUT}))
    sizes = accumulate(len(json.dumps(letter)) - 2 for letter in whole["why"])
    kept = sum(size <= room for size in sizes)
    return {**whole, "why": whole["why"][:kept] + _CUT}


def as_pending(move: Mapping[str, str]) -> str:
    """Return the text of a move whose alias has not moved yet."""
    return json.dumps({**move, _PENDING: True})


def reign(moves: Sequence[Mapping[str, str]], champion: str | None) -> list[str]:
    """Return the champions that a roll back goes through, the present one last.

    A roll back takes the newest away and leaves its own version. An alias that was moved past the
    log comes last.

    Examples
    --------
    >>> one, two = ({"move": "promote", "version": version} for version in "12")
    >>> reign([one, two], "2")
    ['1', '2']
    >>> reign([one, two, {"move": "roll back", "version": "1"}], "1")
    ['1']
    """
    versions: list[str] = []
    for move in moves:
        if move["move"] == "roll back" and versions:
            versions.pop()
        if versions[-1:] != [move["version"]]:
            versions.append(move["version"])
    if champion is not None and versions[-1:] != [champion]:
        versions.append(champion)
    return versions


def _keys(tags: Mapping[str, str]) -> list[str]:
    return sorted(key for key in tags if key.startswith(_START))
