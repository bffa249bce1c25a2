"""What the name of a file says: that it is audio, or one of the other things beside music."""

from __future__ import annotations

import fnmatch
import functools
import os

# Formats of audio that libsndfile or FFmpeg can read.
AUDIO_SUFFIXES = (
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".dsf", ".dts",
    ".flac", ".m4a", ".m4b", ".m4r", ".mka", ".mp2", ".mp3", ".mp4", ".mpc", ".mpga", ".oga",
    ".ogg", ".opus", ".snd", ".spx", ".tak", ".tta", ".voc", ".w64", ".wav", ".wave", ".weba",
    ".webm", ".wma", ".wv",
)  # fmt: skip
_OTHER_ENDINGS = {
    # lyrics, notes and annotations
    ".lrc", ".srt", ".vtt", ".jams", ".lab", ".mid", ".midi",
    # playlists, and what comes with a copy of a disc
    ".asx", ".cue", ".fpl", ".m3u", ".m3u8", ".pls", ".wpl", ".xspf", ".accurip", ".log", ".toc",
    # pictures
    ".avif", ".bmp", ".gif", ".heic", ".ico", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".psd",
    ".svg", ".tif", ".tiff", ".webp",
    # texts, tables and settings
    ".csv", ".db", ".doc", ".docx", ".htm", ".html", ".ini", ".json", ".lnk", ".md", ".nfo", ".npy",
    ".npz", ".odt", ".pdf", ".rtf", ".sqlite", ".toml", ".tsv", ".txt", ".url", ".webloc", ".xls",
    ".xlsx", ".xml", ".xmp", ".yaml", ".yml", ".dvc", ".py", ".sh",
    # peaks, waveforms and projects of music programs
    ".als", ".asd", ".aup", ".aup3", ".cfa", ".gpk", ".mrk", ".ovw", ".peak", ".peaks", ".pek",
    ".pkf", ".reapeaks", ".rpp", ".rpp-bak", ".sfk", ".sfl", ".wfm",
    # checksums, archives and images of discs
    ".asc", ".crc", ".ffp", ".md5", ".par2", ".sfv", ".sha1", ".sha256", ".sha512", ".sig", ".st5",
    ".torrent", ".7z", ".bz2", ".dmg", ".gz", ".iso", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst",
}  # fmt: skip
_OTHER_NAMES = {"CHECKSUMS", "LICENSE", "MD5SUMS", "README", "SHA1SUMS", "SHA256SUMS"}
_OTHER_FOLDERS = (
    # of network storage
    "@eaDir", ".@__thumb", "@Recently-Snapshot", "@Recycle", "#recycle", ".recycle", "#snapshot",
    ".snapshot*", ".zfs", "Network Trash Folder", "Temporary Items",
    # of operating systems
    "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", ".AppleDouble*",
    ".fseventsd*", ".Spotlight*", ".Trash*",
    # of programs
    ".cache", ".git*", ".stfolder*", ".stversions", ".sync", ".thumbnails", "__pycache__",
    "_Serato_",
)  # fmt: skip


def has_audio_suffix(name: str) -> bool:
    """Returns whether a name ends like that of an audio file."""
    return name.lower().endswith(AUDIO_SUFFIXES)


def other_kind(name: str) -> str:
    """Returns the pattern of names that says that a file is no audio, empty where none does.

    `Rock/@eaDir/a.mp3` → `@eaDir/`, `Rock/a.LRC` → `*.lrc`, `Rock/.DS_Store` → `.*`.

    Args:
        name: path of a file or folder below the audio folder.
    """
    *folders, last = name.split("/")
    is_hidden = last.startswith(".")
    for folder in folders if is_hidden else (*folders, last):
        if pattern := _other_folder(folder):
            return f"{pattern}/"
    # A hidden folder further down may be an artist: .38 Special.
    if is_hidden or name.startswith("."):
        return ".*"
    stem, ending = os.path.splitext(last)
    if ending.lower() in _OTHER_ENDINGS:
        return f"*{ending.lower()}"
    return stem.upper() if not ending and stem.upper() in _OTHER_NAMES else ""


@functools.lru_cache(maxsize=2**16)
def _other_folder(folder: str) -> str:
    lower = folder.lower()
    return next((p for p in _OTHER_FOLDERS if fnmatch.fnmatchcase(lower, p.lower())), "")
