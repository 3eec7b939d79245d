"""The files of the templates, read once."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from interlock.domains.workflows.templates.views import Template


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Template]:
    """Every template by its id, in the order of their categories and names.

    Raises:
        ValueError: a file's id is not its name.
    """
    found: list[Template] = []
    for file in (resources.files(__package__) / "graphs").iterdir():
        if not file.name.endswith(".json"):
            continue
        template = Template.model_validate_json(file.read_bytes())
        if template.id != f"tpl_{file.name.removesuffix('.json')}":
            raise ValueError(f"{file.name} holds the template {template.id}")
        found.append(template)
    found.sort(key=lambda template: (template.category, template.name))
    return MappingProxyType({template.id: template for template in found})
