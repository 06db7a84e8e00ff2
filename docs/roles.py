"""Docstrings as the site shows them: names as code instead of Sphinx's roles, two parameters of one line apart."""

import re

from griffe import Extension

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc|obj):`~?(?:neuroloom\.)?([^`<]+?)(?:\s*<[^>]*>)?`")
JOINT = re.compile(r"^( +)(\w+), (\w+)((?:, \w+)*): ", re.MULTILINE)


class Roles(Extension):
    """Rewrite docstrings before they are parsed."""

    def on_instance(self, *, obj, **_):
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = JOINT.sub(_apart, text)


def _apart(found):
    indent, first, *others = found[1], found[2], found[3], *found[4].replace(" ", "").split(",")[1:]
    return "".join(f"{indent}{other}: with `{first}`.\n" for other in others) + f"{indent}{first}: "
