"""The sentences of the page's scripts: what they give to `say` and `many`, as it stands there."""

import re
from importlib import resources

_SPOKEN = re.compile(r'\b(?:say\("([^"\\]+)"|many\("([^"\\]+)", "([^"\\]+)")')


def sentences() -> list[tuple[str, ...]]:
    """Each sentence by its English; of one about a number both forms. The same for the catalogues and for the page."""
    scripts = sorted(resources.files("server").joinpath("page").iterdir(), key=lambda entry: entry.name)
    found = [_SPOKEN.findall(entry.read_text("utf-8")) for entry in scripts if entry.name.endswith(".js")]
    return sorted({tuple(filter(None, each)) for of_script in found for each in of_script})
