"""Tests of the champion's log: what counts as a move, how long it may be, who served before."""

import json

import pytest

from models.champion_moves import (
    ALL_IN_ONE,
    ROOM,
    as_pending,
    fitting,
    next_key,
    read_moves,
    reign,
    unsettled,
)


def move(version: str, kind: str = "promote", why: str = "") -> dict[str, str]:
    """Return one move."""
    return {"move": kind, "version": version, "at": "", "who": "kim", "why": why}


def test_moves_of_an_earlier_release_come_first() -> None:
    """They stand together in one tag; the next one gets a tag of its own."""
    tags = {ALL_IN_ONE: json.dumps([move("1"), move("2")])}
    assert next_key(tags) == "champion_move.000001"
    tags |= {next_key(tags): json.dumps(move("3"))}
    tags |= {next_key(tags): json.dumps(move("2", "roll back"))}
    assert read_moves(tags, "2") == [move("1"), move("2"), move("3"), move("2", "roll back")]


def test_a_pending_move_counts_when_the_alias_is_there() -> None:
    """Its mark can be taken off; where the alias stayed, it never happened."""
    tags = {"champion_move.000001": json.dumps(move("1"))}
    tags |= {"champion_move.000002": as_pending(move("2"))}
    assert read_moves(tags, "2") == [move("1"), move("2")]
    assert unsettled(tags, "2") == {"champion_move.000002": json.dumps(move("2"))}
    assert read_moves(tags, "1") == [move("1")]
    assert unsettled(tags, "1") == {}


def test_a_pending_move_that_others_followed_never_happened() -> None:
    """Not even when the alias comes to its version later."""
    tags = {"champion_move.000001": as_pending(move("2"))}
    tags |= {next_key(tags): json.dumps(move("1"))}
    tags |= {next_key(tags): json.dumps(move("2"))}
    assert read_moves(tags, "2") == [move("1"), move("2")]


@pytest.mark.parametrize("letter", ["a", '"', "é", "😀", "\x00", "\udcff"])
def test_of_a_long_reason_the_start_is_kept(letter: str) -> None:
    """As much as a tag holds, however many characters a letter takes there."""
    kept = fitting(move("1", why="because " + letter * 9000))
    assert ROOM - 12 < len(json.dumps(kept)) <= ROOM
    assert len(as_pending(kept)) < 5000
    assert kept["why"].startswith(f"because {letter}")
    assert kept["why"].endswith("…")
    assert len(json.dumps(fitting({**kept, "who": letter * 9000}))) <= ROOM
    short = move("1", why=letter * 300)
    assert fitting(short) == short


def test_a_roll_back_leaves_its_own_version() -> None:
    """Also where the moves before it are not known any more."""
    first = [move("3", "roll back"), move("4")]
    assert reign(first, "4") == ["3", "4"]
    assert reign([move("3", "roll back")], "3") == ["3"]
    assert reign([*first, move("3", "roll back")], "3") == ["3"]


def test_an_alias_that_moved_past_the_log_is_the_newest() -> None:
    """As on a database that had no room for the move."""
    assert reign([move("1"), move("2")], "7") == ["1", "2", "7"]
    assert reign([move("1"), move("2")], None) == ["1", "2"]
