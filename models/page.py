"""Self-contained HTML pages: a plain view goes into a template that does no arithmetic."""

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def render_page(package: str, template: str, view: Any) -> str:  # noqa: ANN401 (any plain view)
    """Return a page as text that needs nothing from outside; every value is escaped.

    Parameters
    ----------
    package : str
        Package in whose ``templates`` folder the template stands; the shared style is this
        package's.
    template : str
        File name of the template.
    view : object
        What the template shows, under the name ``view``.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("models")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(view=view)
