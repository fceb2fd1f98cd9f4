"""What a user can fix, said in one line.

Every error that leaves the program towards a person is an `SdaError`; the command turns it into one line and exit code 2.
Anything else that escapes is a bug of ours.
"""


class SdaError(Exception):
    """Something the user can mend: the text names what was found and what was expected."""


class AudioError(SdaError):
    """A recording that cannot be read or written."""


class ModelError(SdaError):
    """A model file that is missing, damaged, too new, or of another kind."""


class WeightsError(SdaError):
    """BigVGAN's files: absent, damaged, not the pinned ones, or not to be had."""


class ControlError(SdaError):
    """A control that does not exist, or a value it does not take."""


class DeviceError(SdaError):
    """A sound device, port or processor that is not there."""


class TrainError(SdaError):
    """Training that cannot start or go on."""


class TakeError(SdaError):
    """A take that is damaged, too new, or of a model that is not here."""
