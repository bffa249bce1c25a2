"""The bytes of one member of a zip, in pieces of bounded size.

`zipfile` bounds what it reads of a deflated member, but takes all that a piece of bzip2 or LZMA
gives at once: 4 KiB of bzip2 may give gigabytes. Its reads also wait for each other; these do not.
"""

from __future__ import annotations

import bz2
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Protocol

from fma.zips import BadArchive

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_READ_BYTES = 2**16
_BLOCK_BYTES = 2**20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LZMA_MEMORY_BYTES = 256 * 2**20
_LZMA_ENDS_BY_MARKER = 0x2  # of a member's flags


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Stored:
    """What was not compressed, in the shape of `bz2.BZ2Decompressor`."""

    needs_input = True

    def __init__(self, n_bytes: int):
        self._left = n_bytes

    @property
    def eof(self) -> bool:
        return self._left <= 0

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._left -= len(data)
        return data


class _Deflated:
    """zlib in the shape of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


def blocks(descriptor: int, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields what a member holds, at most 1 MiB at a time; safe for several threads.

    Args:
        descriptor: of the open zip.
        info: the member, of a method in `METHODS`.

    Raises:
        BadArchive: where the member is cut or damaged, or is not as long as the zip says, or its
            CRC is not.
    """
    length, crc = 0, 0
    for block in _decompressed(descriptor, info):
        length += len(block)
        crc = zlib.crc32(block, crc)
        if length > info.file_size:
            raise _bad(info, f"is longer than the {info.file_size:,} bytes that the zip says")
        yield block
    if length != info.file_size:
        raise _bad(info, f"has {length:,} bytes, the zip says {info.file_size:,}")
    if crc != info.CRC:
        raise _bad(info, f"is damaged: its CRC is {crc:08x}, the zip says {info.CRC:08x}")


def _decompressed(descriptor: int, info: zipfile.ZipInfo) -> Iterator[bytes]:
    position = _start(descriptor, info)
    end = position + info.compress_size
    try:
        stream, position = _decompressor(descriptor, info, position)
        while not stream.eof:
            data = b""
            if stream.needs_input:
                data = os.pread(descriptor, max(min(_READ_BYTES, end - position), 0), position)
            position += len(data)
            block = stream.decompress(data, _BLOCK_BYTES)
            if block:
                yield block
            elif not data and not stream.eof:
                raise _bad(info, "is cut")
    except (zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise _bad(info, f"is damaged: {error}") from error
    except OSError as error:
        # bz2 raises it without a number for bad data; the disk's errors have one.
        if error.errno is not None:
            raise
        raise _bad(info, f"is damaged: {error}") from error


def _start(descriptor: int, info: zipfile.ZipInfo) -> int:
    """Returns where the data of a member begins, behind its own header."""
    header = os.pread(descriptor, _LOCAL_HEADER.size, info.header_offset)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise _bad(info, "is not where the zip says")
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    return info.header_offset + _LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes)


def _decompressor(
    descriptor: int, info: zipfile.ZipInfo, position: int
) -> tuple[_Decompressor, int]:
    """Returns what decompresses a member, and where its input begins."""
    if info.compress_type == zipfile.ZIP_STORED:
        return _Stored(info.compress_size), position
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return _Deflated(), position
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor(), position
    return _lzma(descriptor, info, position)


def _lzma(descriptor: int, info: zipfile.ZipInfo, position: int) -> tuple[_Decompressor, int]:
    """Turns the zip's own header of LZMA (APPNOTE 5.8.8) into the one of `.lzma` files."""
    header = os.pread(descriptor, 9, position)
    if len(header) < 9 or header[2:4] != b"\5\0":
        raise _bad(info, "is damaged: it has no LZMA header")
    by_marker = info.flag_bits & _LZMA_ENDS_BY_MARKER
    length = 2**64 - 1 if by_marker else info.file_size
    stream = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY_BYTES)
    stream.decompress(header[4:] + length.to_bytes(8, "little"))
    return stream, position + len(header)


def _bad(info: zipfile.ZipInfo, flaw: str) -> BadArchive:
    return BadArchive(f"the zip's member {info.filename!r} {flaw}")
