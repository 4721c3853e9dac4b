"""Ask whether a law holds of a crowd, and name the culprit when it does not."""

from tests.laws.culprit import culprit
from tests.laws.generated import Crowd
from tests.laws.laws import Law
from tests.laws.pipelines import Pipeline, features_of

_EXPLAINED: dict[tuple[str, str], str] = {}


def assert_holds(law: Law, crowd: Crowd, pipeline: Pipeline = features_of) -> None:
    """Fail with what differs and the smallest books that show it, when ``law`` does not hold."""
    if not law(crowd, pipeline):
        return
    key = (law.__name__, crowd.ledger.digest)
    if key not in _EXPLAINED:
        _EXPLAINED[key] = culprit(crowd, law, pipeline)
    raise AssertionError(_EXPLAINED[key])
