import re
from collections import Counter
from importlib import resources
from itertools import takewhile

import numpy as np
import pytest

import features.catalogue as module
from features.build import KEYS, feature_frame
from features.catalogue import (
    CATALOGUE,
    MODEL_FEATURES,
    NAMES,
    PEER_NAMES,
    feature_digest,
    read_catalogue,
)
from features.engines import open_session
from features.feature import FAMILIES
from features.inputs import Rules, input_tables
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from features.stages import FEATURE_STAGES, ITEM_STAGES, PEER_STAGES, query_text
from tests.features.books import Books, day

SQL = {
    path.name.removesuffix(".sql"): path.read_text("utf-8")
    for path in resources.files("features.sql").iterdir()
    if path.name.endswith(".sql")
}
CHECKS = {
    f"checks/{path.name}": path.read_text("utf-8")
    for path in (resources.files("features.sql") / "checks").iterdir()
    if path.name.endswith(".sql")
}
EVERY = SQL | CHECKS
INPUTS = {*input_tables([day("2024-01-31")], Rules()), "horizons", "maturity"}


DATED = ("terms_of_trade", "family")
"""Queries that read accounts, each column beside its dated history."""


def code(text: str) -> str:
    """Return SQL without its comments."""
    return re.sub(r"--.*", "", text)


def relations(text: str) -> set[str]:
    """Return the tables that a query reads, its own parts left out."""
    bare = code(text)
    own = set(re.findall(r"(?:with|,)\s+(\w+) as (?:not materialized )?\(", bare))
    return set(re.findall(r"\b(?:from|join)\s+([a-z_]+)", bare)) - own


def test_there_are_at_least_45_features_in_every_family() -> None:
    """Names are unique, and no family is empty but the matrix, which is a pull and no fact."""
    assert len(CATALOGUE) >= 45
    assert [name for name, n in Counter(NAMES).items() if n > 1] == []
    assert {feature.family for feature in MODEL_FEATURES} == set(FAMILIES) - {"matrix"}
    assert set(NAMES).isdisjoint(PEER_NAMES)


def test_every_query_of_the_catalogue_is_a_stage_that_yields_its_columns() -> None:
    """Each feature stands in the result of its query, one row per grain."""
    book = Books().paid("P", "2024-04-01", "2024-05-01", "2024-05-05")
    book.invoice("I", "2024-06-01", "2024-07-01", 100).invoice("J", "2024-06-01", None, 50)
    keys = {
        "item": ["item_no"],
        "account": ["as_of", "account_no"],
        "account_currency": ["as_of", "account_no", "currency"],
    }
    with open_session(book.ledger(), [day("2024-07-01")]) as session:
        session.run((*ITEM_STAGES, *FEATURE_STAGES))
        for query, grain in {(feature.query, feature.grain) for feature in CATALOGUE}:
            assert query in FEATURE_STAGES
            table = session.arrow(f'select * from "{query}"').to_pandas()  # noqa: S608 (a stage)
            wanted = [feature.name for feature in CATALOGUE if feature.query == query]
            assert set(wanted) <= set(table.columns), query
            assert not table.duplicated(keys[grain]).any(), query


def test_every_value_lies_in_its_range(simulated_ledger: Ledger) -> None:
    """On a whole ledger: within the closed range, and no feature is missing everywhere."""
    days = [day(f"2024-{month:02}-15") for month in range(1, 13)]
    frame = feature_frame(simulated_ledger, days)
    assert len(frame.items) > 1000
    for feature in CATALOGUE:
        values = frame.column(feature.name)
        known = values[~np.isnan(values)]
        if feature.name == "due_month":  # two years of an account's billing stand behind it
            continue
        assert len(known), feature.name
        assert np.isfinite(known).all(), feature.name
        assert known.min() >= feature.low, feature.name
        assert known.max() <= feature.high, feature.name


def test_a_line_with_an_unknown_word_is_refused() -> None:
    """The error names the feature, the word and what is allowed."""
    head = "family,name,unit,direction,query,about,sentence\n"
    good = "item_age,x,days,mixed,document,invoice,is {value}"
    assert read_catalogue(head + good)[0].name == "x"
    with pytest.raises(ValueError, match="'x': unknown query 'weather'"):
        read_catalogue(head + good.replace("document", "weather"))
    with pytest.raises(ValueError, match="'x': 'hours' is none of "):
        read_catalogue(head + good.replace("days", "hours"))


def test_sentences_name_their_value_unless_they_are_flags() -> None:
    """What people read holds the number."""
    for feature in MODEL_FEATURES:
        if feature.unit != "flag":
            assert "{value}" in feature.sentence, feature.name
        assert feature.sentence.format(value="7").strip()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_query_reads_contacts(name: str) -> None:
    """Calls follow lateness: a model that sees them learns that calling causes it."""
    assert "contact" not in code(EVERY[name]).lower()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_every_query_says_grain_clock_and_source(name: str) -> None:
    """The first lines of each file are its header, in this order."""
    header = takewhile(lambda line: line.startswith("--"), EVERY[name].splitlines())
    heads = [line.split(":")[0] for line in header if re.match(r"-- (grain|clock|source):", line)]
    assert heads == ["-- grain", "-- clock", "-- source"]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_query_adds_floats_or_uses_functions_that_differ_between_engines(name: str) -> None:
    """Only integers and decimals are aggregated; no exp, ln, log, power, stddev, regr or avg."""
    bare = code(EVERY[name]).lower()
    barred = (
        r"\b(exp|ln|log|log2|log10|power|pow|stddev\w*|var_\w+|variance|regr_\w+|corr|avg)\s*\("
    )
    assert re.findall(barred, bare) == []
    # A float in a sum would make the result depend on the order of rows.
    for inner in re.findall(r"\bsum\(((?:[^()]|\([^()]*\))*)\)", bare):
        assert " / " not in inner, inner
        assert "double" not in inner, inner


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_query_ends_in_select_star(name: str) -> None:
    """The final select names its columns."""
    final = re.split(r"\n\)\s*\n", code(EVERY[name]))[-1]
    assert not re.search(r"\bselect\s+(\w+\.)?\*", final)


def test_the_lints_notice_what_they_forbid() -> None:
    """A query that calls exp, averages or ends in a star would be found."""
    bare = code("-- exp( in a comment\nselect exp(x), avg(y) from t")
    assert re.findall(r"\b(exp|avg)\s*\(", bare) == ["exp", "avg"]
    assert relations("with a as (select 1 from b) select 1 from a join c on true") == {"b", "c"}


def test_stages_and_ledger_tables_do_not_share_a_name() -> None:
    """A stage would hide the table of the same name."""
    stages = (*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES, "outcomes")
    assert set(stages) & set(TABLES) == set()
    assert set(stages) & INPUTS == set()
    assert len(set(stages)) == len(stages)
    assert set(stages) == set(SQL)


def test_every_stage_reads_only_tables_inputs_and_earlier_stages() -> None:
    """The order of stages is an order of needs."""
    ready = set(TABLES) | INPUTS
    for stage in (*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES, "outcomes"):
        assert relations(SQL[stage]) <= ready, stage
        ready.add(stage)


def test_optional_tables_behind_a_feature_are_declared() -> None:
    """A query that reads an optional table serves features that need it, or is shared."""
    undeclared = []
    for feature in CATALOGUE:
        read = relations(SQL[feature.query])
        optional = {name for name, table in TABLES.items() if not table.required} & read
        # Documents and item states read due_date_changes and credits on behalf of every feature.
        if optional - set(feature.needs) - {"due_date_changes"}:
            undeclared.append((feature.name, sorted(optional - set(feature.needs))))
    assert undeclared == []


def test_overwritten_account_columns_are_read_by_no_query_but_the_dated_one() -> None:
    """Collector, segment, natural person and the like are never features."""
    for stage in (*ITEM_STAGES, *FEATURE_STAGES):
        if stage not in DATED:
            assert "accounts" not in relations(SQL[stage]), stage
    bare = " ".join(code(SQL[stage]) for stage in DATED)
    for column in ("is_natural_person", "collector", "segment", "name", "opened_on"):
        assert not re.search(rf"\b{column}\b", bare)


def test_keys_and_features_lie_side_by_side() -> None:
    """The written frame has each column once and the keys first."""
    frame = feature_frame(
        Books().invoice("I", "2024-06-01", "2024-07-01", 100).ledger(), [day("2024-07-01")]
    )
    columns = list(frame.to_frame().columns)
    assert len(columns) == len(set(columns))
    assert set(columns) == set(KEYS) | set(NAMES)
    assert frame.digest == feature_digest()


def test_the_digest_covers_the_stages_below_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed history query is another feature set, though no feature names it."""
    before = feature_digest()
    assert feature_digest() == before
    assert feature_digest(NAMES[:-1]) != before
    monkeypatch.setattr(
        "features.stages.query_text",
        lambda name: query_text(name) + ("-- changed" if name == "histories" else ""),
    )
    assert module.feature_digest() != before
