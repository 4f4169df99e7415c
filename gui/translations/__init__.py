"""The texts of the panel and their translations; `python -m gui.translations` brings the `.ts` files up to date."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from gui.language import ENGLISH, FOLDER, LANGUAGES

CODE = FOLDER.parent


def texts() -> dict[str, bool]:
    """Return every text that the panel's code marks with `tr` or `tr_noop`, and whether it has plural forms."""
    found: dict[str, bool] = {}
    for path in sorted(CODE.rglob("*.py")):
        for call in marked(path):
            assert isinstance(call.args[0], ast.Constant)
            text = str(call.args[0].value)
            found[text] = found.get(text, False) or any(keyword.arg == "n" for keyword in call.keywords)
    return found


def marked(path: Path) -> Iterator[ast.Call]:
    """Return the calls of `tr` and `tr_noop` with a literal text in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("tr", "tr_noop")
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node


def files() -> list[Path]:
    """Return the `.ts` files."""
    return sorted(FOLDER.glob("rtvc_*.ts"))


def plural_forms(language: str) -> int:
    """Return how many forms a text with a number has in a language."""
    return 1 + max(map(LANGUAGES[language].plural_form, range(200)))


def update(path: Path) -> int:
    """Add new texts to a `.ts` file, drop those that are gone, and return how many are not translated yet.

    English needs the texts with plural forms only.
    """
    root = ElementTree.parse(path).getroot()
    language, context = root.get("language", ""), root.find("context")
    assert context is not None
    known = {message.findtext("source", ""): message for message in context.iter("message")}
    for message in known.values():
        context.remove(message)
    unfinished = 0
    for text, plural in sorted(texts().items()):
        if language == ENGLISH and not plural:
            continue
        message = known.get(text, _message(text, plural_forms(language) if plural else 0))
        unfinished += message.find("translation[@type]") is not None
        context.append(message)
    ElementTree.indent(root, "    ")
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8")
    return unfinished


def _message(text: str, forms: int) -> ElementTree.Element:
    """Return an entry without a translation; with `forms`, one that has so many plural forms."""
    message = ElementTree.Element("message", {"numerus": "yes"} if forms else {})
    ElementTree.SubElement(message, "source").text = text
    translation = ElementTree.SubElement(message, "translation", {"type": "unfinished"})
    for _ in range(forms):
        ElementTree.SubElement(translation, "numerusform")
    return message
