"""What the laboratory refuses, said in one sentence."""


class LabError(Exception):
    """The laboratory cannot do what was asked; the message says what is wrong with which named thing."""


class AddressInUseError(LabError):
    """Another process listens where the simulated vCenter was told to."""
