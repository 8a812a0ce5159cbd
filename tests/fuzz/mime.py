"""Mutations of mail that know its lines: headers, boundaries, encodings, levels; mails long in one place."""

from __future__ import annotations

import re
from random import Random
from typing import Final

_ENTETE: Final = re.compile(rb"^[A-Za-z-]+:.*$", re.MULTILINE)
_FRONTIERE: Final = re.compile(rb'boundary="?([^"\r\n;]+)')

_VALEURS: Final = (
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: x-uuencode",
    b"Content-Transfer-Encoding: 8bit",
    b'Content-Type: multipart/mixed; boundary=""',
    b'Content-Type: multipart/mixed; boundary="a"',
    b'Content-Type: multipart/signed; boundary="signe"',
    b"Content-Type: message/rfc822",
    b"Content-Type: text/plain; charset=x-inconnu",
    b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
    b"Content-Type: application/octet-stream; name*0*=utf-8''%E9; name*1=.p7m",
    b'Content-Type: ;;;==="\\',
    b"Content-Disposition: attachment; filename*=utf-8'fr'%C3%A9%2F..%2F%00.xml",
    b"Message-ID: <" + b"a" * 3_000 + b">",
    b"Subject: =?utf-8?B?w6k=?= =?x?q?=FF?=",
    b"X-Plus: \xff\xfe\x00",
)


def mutate(data: bytes, rng: Random) -> bytes:
    """One mutation of the text of a mail or of an entity."""
    headers = list(_ENTETE.finditer(data))
    match rng.randrange(8):
        case 0 if headers:
            chosen = rng.choice(headers)
            return data[: chosen.start()] + rng.choice(_VALEURS) + data[chosen.end() :]
        case 1 if headers:
            chosen = rng.choice(headers)
            return data[: chosen.start()] + rng.choice(_VALEURS) + b"\r\n" + data[chosen.start() :]
        case 2 if headers:
            chosen = rng.choice(headers)
            return data[: chosen.start()] + data[chosen.end() :]
        case 3 if headers:
            chosen = rng.choice(headers)
            return data[: chosen.end()] + b"\r\n" + chosen[0] + data[chosen.end() :]
        case 4:
            return data.replace(b"\r\n", b"\n") if rng.random() < 0.5 else data.replace(b"\n", b"\n\r")
        case 5 if boundary := _FRONTIERE.search(data):
            word = boundary[1]
            other = rng.choice((b"", word[:-1], word + b"x", word.upper(), b" " + word, word * 40))
            return data.replace(b"--" + word, b"--" + other, rng.choice((1, 2, -1)))
        case 6:
            return _wrap(data, rng.choice((1, 2, 3, 6, 40)))
        case _:
            line = rng.choice((b" ", b"\t", b"\r\n", b"--a--\r\n", b"\0", b"=\r\n"))
            lines = data.split(b"\r\n")
            lines.insert(rng.randrange(len(lines) + 1), line)
            return b"\r\n".join(lines)


def inflate(data: bytes, rng: Random) -> bytes:
    """A mail, long in one place."""
    size = rng.choice((2_000, 50_000, 1_000_000))
    head, blank, body = data.partition(b"\r\n\r\n")
    match rng.randrange(9):
        case 0:
            return head + b"\r\nX: " + b"a" * size + blank + body
        case 1:
            return head + b"\r\nX: a" * (size // 5) + blank + body
        case 2:
            return b"From: " + b"a@b.example, " * (size // 13) + b"\r\n" + data
        case 3:
            return (
                b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
                + b"--a\r\n\r\n\r\n" * (size // 9)
                + b"--a--"
            )
        case 4:
            return b"Content-Type: a/b" + b"; x=y" * (size // 5) + b"\r\n\r\n" + body
        case 5:
            return b'Content-Type: a/b; name="' + b"\\" * size + b'"\r\n\r\n' + body
        case 6:
            return _wrap(data, min(size, 2_000))
        case 7:
            return b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41=\r\n" * (size // 6)
        case _:
            return data + b"\r\n" + b"A" * size


def _wrap(data: bytes, levels: int) -> bytes:
    """The same inside so many multiparts."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(levels)
    )
    closing = b"".join(b"\r\n--b%d--" % level for level in reversed(range(levels)))
    return opening + data + closing
