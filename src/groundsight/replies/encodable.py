"""Text that every file and every socket can hold."""


def encodable(text: str) -> str:
    """The text with each lone surrogate replaced by `?`.

    Models and JSON escapes can make half a surrogate pair; UTF-8 has no form for it.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
