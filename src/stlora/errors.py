"""The errors that a user can mend."""


class InputError(ValueError):
    """Something the user gave cannot be used as it is.

    The message is one line that says what was found, what was expected and what to do about it. The command
    line prints it after ``stlora: error:`` and exits with status 2; any other exception is a defect of the
    library and exits with status 1.
    """


class UnneededOptionError(InputError):
    """An option of reading that does not fit the data, which can be read without it.

    Args:
        option: its name.
        message: as of :class:`InputError`.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option
