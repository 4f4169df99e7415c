import pytest

from rtvc.errors import RtvcError
from rtvc.names import check_name, did_you_mean


@pytest.mark.parametrize("name", ["Ann", "हिन्दी", "ไทย", "Ann O'Nym".replace("'", ""), "a.b-c_d 2", "é", "_x_"])
def test_names_of_any_script_are_allowed(name: str) -> None:
    assert check_name(name) == name


def test_two_spellings_of_one_letter_are_one_name() -> None:
    assert check_name("Ame\u0301lie") == "Amélie"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../up",
        "a/b",
        "a\\b",
        " a",
        "a ",
        ".hid",
        "a.",
        "a\n",
        "a\x1b[31m",
        "x" * 65,
        "\u0301a",
        "𠀀" * 64,
        "\udcff",
    ],
)
def test_names_that_could_leave_the_folder_or_confuse_a_terminal_are_refused(name: str) -> None:
    with pytest.raises(RtvcError, match="cannot be a preset's name: use up to 64 letters") as refused:
        check_name(name, "preset")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("name", ["nul", "COM1", "Aux.flac"])
def test_names_of_devices_are_refused(name: str) -> None:
    with pytest.raises(RtvcError, match="Windows reserves it"):
        check_name(name)


def test_a_misspelt_name_is_answered_with_the_closest() -> None:
    known = ["Willow", "Alder", "Rowan"]
    assert did_you_mean("Wilow", known) == " Did you mean Willow?"
    assert did_you_mean("rowan", known) == " Did you mean Rowan?"
    assert did_you_mean("Elizabeth", known) == ""
