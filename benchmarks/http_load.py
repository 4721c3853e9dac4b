"""A bounded load on loopback: a few clients that each ask, wait for the answer and ask again."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import aiohttp

LIMIT = aiohttp.ClientTimeout(total=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked, of whom.

    Parameters
    ----------
    url : str
        Where to post.
    bodies : sequence of bytes
        Sent in turn.
    headers : mapping of str to str
        Sent along.
    """

    url: str
    bodies: Sequence[bytes]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load found.

    Parameters
    ----------
    milliseconds : sequence of float
        Time of each answered request, ascending.
    seconds : float
        How long the load lasted.
    answer_bytes : int
        Size of the last answer.
    """

    milliseconds: Sequence[float]
    seconds: float
    answer_bytes: int

    def at(self, share: float) -> float:
        """Return the time within which ``share`` of the requests were answered.

        Examples
        --------
        >>> Load(milliseconds=[1, 2, 3, 40], seconds=1, answer_bytes=0).at(0.5)
        3
        """
        place = min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))
        return self.milliseconds[place]

    def figures(self) -> dict[str, float]:
        """Return the figures that are reported, times in milliseconds."""
        return {
            "requests": len(self.milliseconds),
            "per_second": round(len(self.milliseconds) / self.seconds, 1),
            "p50": round(self.at(0.5), 3),
            "p99": round(self.at(0.99), 3),
            "p999": round(self.at(0.999), 3),
            "max": round(self.milliseconds[-1], 3),
            "answer_bytes": self.answer_bytes,
        }


def run_load(
    target: Target, clients: int, *, seconds: float | None = None, requests: int | None = None
) -> Load:
    """Ask for ``seconds``, or until ``requests`` are answered; anything but a 200 ends the run."""
    return asyncio.run(_load(target, clients, seconds, requests))


async def _load(target: Target, clients: int, seconds: float | None, requests: int | None) -> Load:
    spent: list[float] = []
    size = 0
    bodies = cycle(target.bodies)
    connector = aiohttp.TCPConnector(limit=clients)
    started = time.perf_counter()

    def more() -> bool:
        if requests is not None:
            return len(spent) + clients <= requests
        return seconds is not None and time.perf_counter() - started < seconds

    async with aiohttp.ClientSession(
        connector=connector, headers=target.headers, timeout=LIMIT
    ) as session:

        async def client() -> None:
            nonlocal size
            while more():
                asked = time.perf_counter()
                async with session.post(target.url, data=next(bodies)) as response:
                    answer = await response.read()
                    if response.status != 200:
                        raise SystemExit(f"{target.url}: {response.status} {answer[:500]!r}")
                spent.append((time.perf_counter() - asked) * 1000)
                size = len(answer)

        await asyncio.gather(*(client() for _ in range(clients)))
    return Load(
        milliseconds=sorted(spent), seconds=time.perf_counter() - started, answer_bytes=size
    )
