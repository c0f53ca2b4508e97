"""What the laboratory refuses, said in one sentence."""


class LabError(Exception):
    """The laboratory cannot do what was asked; the message says what is wrong with which named thing."""
