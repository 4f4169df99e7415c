"""The error type whose message is shown to the user."""


class RtvcError(Exception):
    """What went wrong and the way out, in one plain sentence that names the thing.

    The command line prints it and exits with code 2; the panel shows it. Everything else that is raised is a
    bug of this program.
    """
