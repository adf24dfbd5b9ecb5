"""The one error that a user can mend."""


class InputError(ValueError):
    """Something the user gave cannot be used as it is.

    The message is one line that says what was found, what was expected and what to do about it. The command
    line prints it after ``stlora: error:`` and exits with status 2; any other exception is a defect of the
    library and exits with status 1.
    """
