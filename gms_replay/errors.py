"""Every exception that gms_replay raises on purpose.

GmsReplayError
├── CassetteError              a file that should be a cassette, and is not usable as one
│   ├── NotACassetteError      another kind of file, or none
│   ├── CassetteDamagedError   a cassette whose bytes do not hold together
│   └── CassetteTooNewError    written by a later version than this one
├── FormatError                a text being imported breaks its format
├── OptionError                an option is missing, misspelt or has a wrong value
├── BayeuxError                a peer that breaks the Bayeux grammar, refuses, or stays away
└── StoryError                 a recording that holds nothing to play

A message is one line: what is wrong, where (file, line or field), and the way out.
"""


class GmsReplayError(Exception):
    """The root: whoever catches it has caught all of ours."""


class CassetteError(GmsReplayError):
    """A file that should be a cassette, and is not usable as one."""


class NotACassetteError(CassetteError):
    """The file is of another kind, or there is none."""


class CassetteDamagedError(CassetteError):
    """The file is a cassette, but its bytes do not hold together."""


class CassetteTooNewError(CassetteError):
    """The file was written by a later version of gms_replay."""


class FormatError(GmsReplayError):
    """A text being imported breaks its format; the message names line and field."""


class OptionError(GmsReplayError):
    """An option is missing, misspelt, or has a value that it cannot have."""


class BayeuxError(GmsReplayError):
    """A Bayeux peer breaks the grammar, refuses what it was asked, or stays away."""


class StoryError(GmsReplayError):
    """A recording that holds nothing to play."""
