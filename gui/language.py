"""The panel's language: translates its texts, and writes numbers as the language does.

`tr` translates a text; `tr_noop` only marks one that is made before the language is known, for a later `tr`. A
language's texts lie in `gui/translations/rtvc_LANGUAGE.ts`, which Qt Linguist edits. They are read as they are, which
takes 4 ms, so nothing has to be compiled before rtvc can start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PyQt6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

CONTEXT = "rtvc"
ENGLISH = "en"
FOLDER = Path(__file__).parent / "translations"


@dataclass(frozen=True)
class Language:
    """A language's own name, and the index of the form that a text takes for a number."""

    name: str
    plural_form: Callable[[int], int]


LANGUAGES: Mapping[str, Language] = {
    "de": Language("Deutsch", lambda n: int(n != 1)),
    "en": Language("English", lambda n: int(n != 1)),
}
"""The panel's languages by their codes; each has its file in `gui/translations`."""

_installed: list[QTranslator] = []


def tr(text: str, n: int = -1, **values: object) -> str:
    """Return a text in the panel's language.

    Parameters
    ----------
    text
        The English text. A literal, so that `python -m gui.translations` finds it.
    n
        A number that `%n` in the text stands for; it decides between singular and plural.
    values
        What `{name}` in the text stands for.
    """
    translated = QCoreApplication.translate(CONTEXT, text, "", n)
    return translated.format(**values) if values else translated


def tr_noop(text: str) -> str:
    """Return the English text unchanged: it is translated later, by `tr`."""
    return text


def number(value: float, decimals: int = 0, signed: bool = False) -> str:
    """Return a number with the language's decimal separator, and with a plus sign if it is signed and positive."""
    sign = "+" if signed and value > 0 else ""
    return sign + f"{value:.{decimals}f}".replace(".", QLocale().decimalPoint())


def use_language(chosen: str) -> None:
    """Let `tr` use a language from now on: a code of `LANGUAGES`, or empty for the system's.

    An unknown language is English. Widgets that exist keep their texts: `MainWindow` makes its own again.
    """
    application = QCoreApplication.instance()
    assert application is not None
    while _installed:
        application.removeTranslator(_installed.pop())
    language = chosen or next(iter(QLocale.system().uiLanguages()), "").partition("-")[0]
    language = language if language in LANGUAGES else ENGLISH
    QLocale.setDefault(QLocale(language))
    qt = QTranslator(application)
    if qt.load(f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        _installed.append(qt)
    _installed.append(_Translator(language, application))
    for translator in _installed:
        application.installTranslator(translator)


class _Translator(QTranslator):
    """The texts of one `.ts` file."""

    def __init__(self, language: str, parent: QCoreApplication) -> None:
        super().__init__(parent)
        self._texts = read_texts(FOLDER / f"rtvc_{language}.ts")
        self._form = LANGUAGES[language].plural_form

    def isEmpty(self) -> bool:
        """Tell Qt whether there is anything to ask for."""
        return not self._texts

    def translate(  # type: ignore[override]  # None is Qt's null string
        self, context: str | None, source: str | None, disambiguation: str | None = None, n: int = -1
    ) -> str | None:
        """Return the translation of a text of rtvc; None leaves it to the other translators."""
        forms = self._texts.get(source or "") if context == CONTEXT else None
        return forms[self._form(n) if len(forms) > 1 else 0] if forms else None


def read_texts(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the translations of a `.ts` file by their source texts: one, or a form for each plural form."""
    texts = {}
    for message in ElementTree.parse(path).iter("message"):
        translation = message.find("translation")
        if translation is not None and translation.get("type") is None:
            forms = translation.findall("numerusform") or [translation]
            texts[message.findtext("source", "")] = tuple(form.text or "" for form in forms)
    return texts
