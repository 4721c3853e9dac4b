import re
from xml.etree import ElementTree as ET

import pytest

from models.reasons import Reason
from serving.reports.charts import AgeingBar, ageing_chart, is_cut, waterfall_chart
from serving.reports.drivers import Step, account_steps
from serving.reports.wording import Amount


def bar(label: str, risk: int, secure: int, held: int) -> AgeingBar:
    """Make a bar from cents."""
    amounts = {"at_risk": risk, "secure": secure, "held": held, "balance": risk + secure + held}
    return AgeingBar(label=label, **{name: Amount(cents=c) for name, c in amounts.items()})


def steps(**dollars: float) -> tuple[Step, ...]:
    """Make the steps of an account from dollars by family."""
    return account_steps([Reason(family=f, sentence=f, dollars=d) for f, d in dollars.items()])


def shares(svg: str, name: str) -> list[tuple[float, float]]:
    """Return place and width of the bars of a class."""
    found = re.findall(rf'class="bar bar-{name}" style="--x:([-\d.]+);--w:([\d.]+)"', svg)
    return [(float(x), float(w)) for x, w in found]


def test_bars_are_as_wide_as_their_balance() -> None:
    """Widths are shares of the largest balance, and the parts stand side by side."""
    svg = ageing_chart([bar("Current", 100, 300, 0), bar("91+", 50, 30, 20)], key="k", title="t")
    assert shares(svg, "risk") == [(0.0, 0.25), (0.0, 0.125)]
    assert shares(svg, "secure") == [(0.25, 0.75), (0.125, 0.075)]
    assert shares(svg, "held") == [(0.2, 0.05)]


def test_a_step_lies_between_the_levels_it_connects() -> None:
    """A rise starts at the base and ends where the fall starts."""
    svg = waterfall_chart(steps(base=10.0, calendar=30.0, returns=-20.0), key="k", title="t")
    assert shares(svg, "base") == [(0.0, 0.25)]
    assert shares(svg, "up") == [(0.25, 0.75)]
    assert shares(svg, "down") == [(0.5, 0.5)]
    assert shares(svg, "total") == [(0.0, 0.5)]
    assert "break" not in svg


def test_a_cut_scale_is_marked() -> None:
    """Where small steps stand on a large base, the bars from zero are shown with a break."""
    cut = steps(base=1000.0, calendar=30.0, returns=-20.0)
    assert is_cut(cut)
    assert waterfall_chart(cut, key="k", title="t").count('class="break"') == 2
    assert not is_cut(steps(base=10.0, calendar=30.0))


@pytest.mark.parametrize(
    "dollars",
    [{}, {"base": 5.0}, {"base": -5.0}, {"base": 2.0, "returns": -7.0, "calendar": 5.0}],
)
def test_every_bar_lies_on_the_picture(dollars: dict[str, float]) -> None:
    """Zero, negative and vanishing totals are drawn inside the plot."""
    svg = waterfall_chart(steps(**dollars), key="k", title="t")
    for kind in ("base", "up", "down", "total"):
        for left, width in shares(svg, kind):
            assert left >= 0
            assert left + width <= 1.01


def test_a_picture_says_in_words_what_it_shows() -> None:
    """Title and description name every bar, and the text is well-formed and escaped."""
    svg = ageing_chart([bar("<b>&", 100, 20, 3)], key="k", title='A & "B" <script>')
    root = ET.fromstring(svg)  # noqa: S314 (our own text)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-desc"
    assert root.findtext("title") == 'A & "B" <script>'
    assert root.findtext("desc") == "<b>&: 1.23, of which at risk 1.00."


def test_no_bar_at_all_is_still_a_picture() -> None:
    """An ageing without buckets or balances is drawn empty."""
    ET.fromstring(ageing_chart([], key="k", title="t"))  # noqa: S314 (our own text)
    assert shares(ageing_chart([bar("Current", 0, 0, 0)], key="k", title="t"), "risk") == []
