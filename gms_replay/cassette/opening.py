"""How a cassette is told from other files, opened, and spoken of when it fails.

Application id and format only change outside WAL mode, so a file's first bytes always tell what it is,
and refusing it needs no SQLite, which would leave marks in its folder.
"""

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError, StatementError

from gms_replay.cassette import wal
from gms_replay.cassette.outputs import MAGIC
from gms_replay.cassette.schema import APPLICATION_ID, FORMAT_VERSION
from gms_replay.errors import CassetteDamagedError, CassetteError, CassetteTooNewError, NotACassetteError

# SQLite file format, section 1.3: what stands where in the header of 100.
HEADER_BYTES = 100
_PAGE_BYTES_AT = 16
_WRITE_VERSION_AT = 18
_PAGES_AT = 28
_USER_VERSION_AT = 60
_APPLICATION_ID_AT = 68
_IN_WAL_MODE = 2
_MODES = (b"\x01\x01", b"\x02\x02")

_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# SQLITE_ERROR is what a missing table or column gets.
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_REFUSED_BY_SYSTEM = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)
_BUSY_TIMEOUT_S = 2.0
_RETRY_AFTER_S = 0.02


def require_cassette(path: Path) -> None:
    """Return for a cassette of a format that we know, else raise the CassetteError that says what the file is."""
    if flaw := header_flaw(path) or missing_end(path) or (is_in_wal_mode(path) and wal.flaw(path)):
        raise damaged(path, flaw)


def header_flaw(path: Path) -> str | None:
    """What is damaged in a cassette's first bytes, if anything is.

    Raises NotACassetteError for a file of another kind, CassetteTooNewError for a format that we do not know.
    """
    header = _header(path)
    if header[: len(MAGIC)] != MAGIC[: len(header)]:
        raise NotACassetteError(f"{path}: not a cassette, nor any SQLite file; name a file that gms-replay recorded")
    if len(header) < HEADER_BYTES:
        return f"cut off after {len(header)} bytes"
    if _number(header, _APPLICATION_ID_AT) != APPLICATION_ID:
        raise NotACassetteError(f"{path}: a SQLite database, but not a cassette; name a file that gms-replay recorded")
    version = _number(header, _USER_VERSION_AT)
    if version > FORMAT_VERSION:
        raise CassetteTooNewError(
            f"{path}: written in format {version}, newer than this gms-replay, which knows formats up to "
            f"{FORMAT_VERSION}; install a newer gms-replay"
        )
    if version < 0:
        return f"format {version}"
    # Both name the mode. Where one is flipped, SQLite would leave out what a -wal holds.
    modes = header[_WRITE_VERSION_AT : _WRITE_VERSION_AT + 2]
    return None if modes in _MODES else f"its mode is {modes[0]} to write and {modes[1]} to read"


def missing_end(path: Path) -> str | None:
    """How much of a cassette was cut off, if any. One in WAL mode, or in a transaction, has its end elsewhere."""
    header = _header(path)
    if header[_WRITE_VERSION_AT] == _IN_WAL_MODE or path.with_name(f"{path.name}-journal").exists():
        return None
    wanted, found = pages_end(header), path.stat().st_size
    return f"cut off after {found} of {wanted} bytes" if found < wanted else None


def pages_end(header: bytes) -> int:
    """How many bytes the pages of a plain file take, by its first bytes."""
    # 1 stands for 65536, which has no room in two bytes.
    page_bytes = int.from_bytes(header[_PAGE_BYTES_AT : _PAGE_BYTES_AT + 2], "big")
    return _number(header, _PAGES_AT) * (65_536 if page_bytes == 1 else page_bytes)


def format_in(path: Path) -> int:
    """The format that a cassette's first bytes name."""
    return _number(_header(path), _USER_VERSION_AT)


def is_in_wal_mode(path: Path) -> bool:
    """Whether a cassette was left, or is, in WAL mode: not closed by its recorder."""
    return _header(path)[_WRITE_VERSION_AT] == _IN_WAL_MODE


def lost_wal(path: Path) -> bool:
    """Whether a cassette was left in WAL mode, and what belongs beside it then is not there."""
    return is_in_wal_mode(path) and not path.with_name(f"{path.name}-wal").exists()


def _header(path: Path) -> bytes:
    if path.is_dir():
        raise NotACassetteError(f"{path}: a folder, not a cassette; name the file in it")
    if not os.path.lexists(path):
        raise NotACassetteError(f"{path}: no such file; check the name, or record a visit into it first")
    if not path.is_file():
        raise NotACassetteError(f"{path}: not a plain file, so not a cassette; name a file that gms-replay recorded")
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if not header:
        raise NotACassetteError(f"{path}: empty, so not a cassette; remove it, or name another file")
    return header


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big", signed=True)


def connect(path: Path, mode: Literal["ro", "rw"]) -> Connection:
    """Open an existing SQLite file. Closing the connection closes the file; it may be handed to another thread."""
    return _connected(f"{path.absolute().as_uri()}?mode={mode}")


def connect_memory(pages: bytes = b"") -> Connection:
    """Open a database in memory: an empty one, or that of a file's pages."""
    connection = _connected("file::memory:")
    # SQLite would sort what is large in files.
    driver(connection).execute("PRAGMA temp_store = MEMORY")
    if pages:
        driver(connection).deserialize(pages)
    return connection


def _connected(uri: str) -> Connection:
    def open_file() -> sqlite3.Connection:
        # isolation_level=None leaves BEGIN to us: the module's own would leave CREATE TABLE outside a transaction.
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=open_file, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine.connect()


def driver(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection, for pragmas that must stand outside a transaction."""
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def enter_wal_mode(connection: Connection, patience_s: float = 0, *, is_durable: bool = False) -> bool:
    """Let readers in while we write; False if another writes. A commit then survives a kill of the program, and a
    durable one of the machine.
    """
    driver(connection).execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
    # Where two enter it at once, SQLite turns one of them away without waiting.
    return _has_mode(connection, "WAL", patience_s)


def sync_folder(path: Path) -> None:
    """Wait until the folder of a file, with its name in it, is on the disk. Windows needs and has no such thing."""
    if os.name == "nt":
        return
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def leave_wal_mode(connection: Connection, patience_s: float) -> bool:
    """Move what the WAL holds into the file, which is then one plain file; False if others keep the file open."""
    return _has_mode(connection, "DELETE", patience_s)


def _has_mode(connection: Connection, mode: str, patience_s: float) -> bool:
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            driver(connection).execute(f"PRAGMA journal_mode = {mode}")
            return True
        except sqlite3.OperationalError as error:
            if not is_in_use(error):
                raise
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_RETRY_AFTER_S)


def check(connection: Connection, path: Path) -> None:
    """Raise CassetteDamagedError for pages that do not hold together, or a fact that names one that is not there."""
    (verdict,) = driver(connection).execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise damaged(path, " ".join(verdict.split()))
    if missing := dangling(connection):
        raise damaged(path, missing)


def dangling(connection: Connection) -> str | None:
    """Which fact belongs to one that is not there, if any does."""
    found = driver(connection).execute("PRAGMA foreign_key_check").fetchone()
    return found and f"{found[0]} {found[1]} belongs to a {found[2]} that is not there"


def claim(path: Path) -> None:
    """Create an empty file where there was none. Raises OSError, or CassetteError where another's -wal lies in wait.

    SQLite takes a -wal that it finds for the new file's, and throws away what is in it.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    other = path.with_name(f"{path.name}-wal")
    if other.exists() and other.stat().st_size:
        path.unlink()
        raise CassetteError(
            f"{other}: left by a cassette that was moved or removed, and may hold the last of it; "
            f"put it beside that cassette, under its name with -wal, or remove it"
        )


def remove(path: Path) -> None:
    """Remove a file that we made and did not finish, with what SQLite put beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def damaged(path: Path, reason: str) -> CassetteDamagedError:
    """The error for a cassette whose bytes do not hold together."""
    mended = f"gms-replay check {shlex.quote(str(path))} --repair NEW"
    return CassetteDamagedError(f"{path}: damaged ({reason}); take it from a backup, or save what is whole: {mended}")


def is_damage(error: Exception) -> bool:
    """Whether the file's content is at fault, rather than the system or another program that uses the file."""
    return _code(error) not in (*_IN_USE, *_REFUSED_BY_SYSTEM)


def is_in_use(error: BaseException) -> bool:
    """Whether another program that uses the file stood in the way."""
    return _code(error) in _IN_USE


def is_refused_by_system(error: SQLAlchemyError | sqlite3.Error) -> bool:
    """Whether the file system stood in the way, rather than the file's content."""
    return _code(error) in _REFUSED_BY_SYSTEM


@contextmanager
def errors_named(path: Path, doing: Literal["read", "written"]) -> Iterator[None]:
    """Turn what SQLite, the file system or a row's decoding raises into a CassetteError of one line."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _named(path, doing, error) from error
    except OSError as error:
        raise CassetteError(f"{path}: cannot be {doing}: {error.strerror}; check folder, space and rights") from error
    except MemoryError as error:
        advice = "free some; where the file is small, it is damaged, and gms-replay check tells where"
        raise CassetteError(f"{path}: cannot be {doing}: {reason_of(error)}; {advice}") from error
    except (ValueError, OverflowError) as error:
        raise _unfit(path, doing, _one_line(error)) from error


def _named(path: Path, doing: str, error: SQLAlchemyError | sqlite3.Error) -> CassetteError:
    reason = reason_of(error)
    if is_in_use(error):
        return CassetteError(f"{path}: cannot be {doing}: another program uses it; try again when that has ended")
    if is_refused_by_system(error):
        return CassetteError(f"{path}: cannot be {doing}: {reason}; check folder, space and rights")
    return damaged(path, reason) if _code(error) in _BROKEN else _unfit(path, doing, reason)


def _unfit(path: Path, doing: str, reason: str) -> CassetteError:
    """The error for a value: one that was read comes from a damaged file, one to be written from elsewhere."""
    if doing == "read":
        return damaged(path, reason)
    return CassetteError(f"{path}: cannot be {doing}: {reason}; correct that")


def reason_of(error: BaseException) -> str:
    """What SQLite, or a row's decoding, says is wrong, on one line."""
    return _one_line(_original(error))


def _original(error: BaseException) -> BaseException:
    if isinstance(error, StatementError) and error.orig is not None:
        return error.orig
    return error


def _code(error: BaseException) -> int:
    """SQLite's primary result code, 0 where Python's own module raised."""
    code: int = getattr(_original(error), "sqlite_errorcode", 0)
    return code & 0xFF


def _one_line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        # Python says nothing of its own there.
        return "it wants more memory than there is"
    return " ".join(str(error).split())
