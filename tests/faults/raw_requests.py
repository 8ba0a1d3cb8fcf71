"""Raw requests, valid and hostile: {name: the parts that a client sends in turn}.

In a case whose name ends in "| left" the client then closes its sending side.
"""

import json

from ml.stones import EXAMPLES

STONE = json.dumps(EXAMPLES["coded"][0]).encode()
MB = 2**20
HOST = b"Host: localhost\r\n"
LEFT = "| left"


def head(line, *fields, host=HOST):
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def live(*fields, method=b"GET", target=b"/health/live", version=b"HTTP/1.1", host=HOST):
    return head(b" ".join([method, target, version]), *fields, host=host)


def predict(*fields, body=STONE, version=b"HTTP/1.1", json=True):
    kind = [b"Content-Type: application/json"] if json else []
    return head(b"POST /api/predict " + version, *kind, *fields) + body


def announced(body=STONE, length=None, **more):
    return predict(b"Content-Length: " + (length or b"%d" % len(body)), body=body, **more)


def chunked(body, *fields, coding=b"chunked", **more):
    return predict(b"Transfer-Encoding: " + coding, *fields, body=body, **more)


def chunks(*parts, end=b"0\r\n\r\n", extension=b""):
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + end


HALVES = STONE[:40], STONE[40:]
LAST = b"0\r\n\r\n"

HEADS = {
    "GET": live(),
    "HEAD": live(method=b"HEAD"),
    "OPTIONS": live(method=b"OPTIONS", target=b"/api/predict"),
    "PUT": live(method=b"PUT", target=b"/api/predict"),
    "DELETE": live(method=b"DELETE"),
    "TRACE": live(method=b"TRACE"),
    "CONNECT": live(method=b"CONNECT", target=b"localhost:80"),
    "lower-case method": live(method=b"get"),
    "unknown method": live(method=b"BREW"),
    "method with a hash": live(method=b"GE#T"),
    "long method": live(method=b"A" * 30),
    "target absolute": live(target=b"http://localhost/health/live"),
    "target absolute, other host": live(target=b"http://example.org/health/live"),
    "target asterisk": live(method=b"OPTIONS", target=b"*"),
    "target without slash": live(target=b"health/live"),
    "target with fragment": live(target=b"/health/live#there"),
    "target encoded": live(target=b"/health/%6Cive"),
    "target encoded NUL": live(target=b"/%00"),
    "target with two slashes": live(target=b"//health/live"),
    "target with dots": live(target=b"/a/../health/live"),
    "target not ASCII": live(target=b"/\xc5\xbc"),
    "target with a NUL": live(target=b"/a\x00b"),
    "target with a tab": live(target=b"/a\tb"),
    "target with a blank": live(target=b"/a b"),
    "target bad IPv6": live(target=b"http://[::1/"),
    "query as published": live(target=b"/api/predict?&carat=0.37&cut=3"),
    "line with two blanks": b"GET  /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "line with a tab": b"GET\t/health/live\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "line of one word": b"GET\r\n" + HOST + b"\r\n",
    "line of two words": b"GET /health/live\r\n" + HOST + b"\r\n",
    "line empty": b"\r\n\r\n",
    "HTTP/1.0": live(version=b"HTTP/1.0"),
    "HTTP/1.0 kept": live(b"Connection: keep-alive", version=b"HTTP/1.0"),
    "HTTP/1.1 closed": live(b"Connection: close"),
    "HTTP/1.1 kept": live(b"Connection: keep-alive"),
    "connection odd": live(b"Connection: perhaps"),
    "upgrade": live(b"Connection: upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "HTTP/0.9": live(version=b"HTTP/0.9"),
    "HTTP/2.0": live(version=b"HTTP/2.0"),
    "HTTP/1.10": live(version=b"HTTP/1.10"),
    "http/1.1": live(version=b"http/1.1"),
    "no host": live(host=b""),
    "two hosts": live(b"Host: localhost"),
    "unknown host": live(host=b"Host: example.org\r\n", target=b"/"),
    "host of blanks": live(host=b"Host:   \r\n", target=b"/"),
    "folded field": live(b"X-A: b\r\n c"),
    "fold first": b"GET /health/live HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "blank before colon": live(b"X-A : b"),
    "blank in name": live(b"X A: b"),
    "no name": live(b": b"),
    "no colon": live(b"X-A"),
    "no value": live(b"X-A:"),
    "underscore": live(b"X_A: b"),
    "name not ASCII": live(b"X-\xc5\xbc: b"),
    "value not ASCII": live(b"X-A: \xc5\xbc"),
    "NUL in a value": live(b"X-A: a\x00b"),
    "CR in a value": live(b"X-A: a\rb"),
    "DEL in a value": live(b"X-A: a\x7fb"),
    "LF in a field": live(b"X-A: a\nX-B: b"),
    "LF for CRLF": live().replace(b"\r\n", b"\n"),
    "LF ends the line": live().replace(b"\r\n", b"\n", 1),
    "LF ends the head": live()[:-2] + b"\n",
    "empty line first": b"\r\n" + live(),
    "two empty lines first": b"\r\n\r\n" + live(),
    "LF first": b"\n" + live(),
    "blank first": b" " + live(),
    "NUL first": b"\x00" + live(),
    "line of 4096": live(target=b"/" + b"a" * (4096 - 15)),
    "line of 4097": live(target=b"/" + b"a" * (4096 - 14)),
    "line of 9000": live(target=b"/" + b"a" * 9000),
    "line without an end": b"GET /" + b"a" * 9000,
    "64 fields": live(*[b"X-A: b"] * 63),
    "65 fields": live(*[b"X-A: b"] * 64),
    "field of 8190": live(b"X: " + b"y" * (8190 - 5)),
    "field of 8191": live(b"X: " + b"y" * (8191 - 5)),
    "head of 20 kB": live(*[b"X-%d: " % place + b"y" * 2000 for place in range(10)]),
    "head without an end": live()[:-2] + b"X: " + b"y" * MB,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "PROXY line": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + live(),
    "words": b"hello there\r\n\r\n",
}

BODIES = {
    "length": announced(),
    "length with zeros": announced(length=b"0000%d" % len(STONE)),
    "length with a plus": announced(length=b"+%d" % len(STONE)),
    "length negative": announced(length=b"-1"),
    "length with a blank": announced(length=b" %d " % len(STONE)),
    "length no number": announced(length=b"many"),
    "length hexadecimal": announced(length=b"0x10"),
    "length superscript": announced(length=b"\xb2"),
    "length empty": predict(b"Content-Length:"),
    "length of 30 digits": announced(length=b"9" * 30),
    "length 0": announced(b""),
    "no length": predict(body=b""),
    "length twice, alike": predict(*[b"Content-Length: %d" % len(STONE)] * 2),
    "length twice": predict(b"Content-Length: %d" % len(STONE), b"Content-Length: 3"),
    "lengths in a list": announced(length=b"%d, %d" % (len(STONE), len(STONE))),
    "more than announced": announced(length=b"%d" % (len(STONE) - 10)),
    "HTTP/1.0 with length": announced(version=b"HTTP/1.0"),
    "GET with a body": head(b"GET /health/live HTTP/1.1", b"Content-Length: 5") + b"hello",
    "PUT with a body": head(b"PUT /api/predict HTTP/1.1", b"Content-Length: 5") + b"hello",
    "POST to nowhere": head(b"POST /nix HTTP/1.1", b"Content-Length: 5") + b"hello",
    "POST without a token": head(b"POST / HTTP/1.1", b"Content-Length: 5") + b"hello",
    "POST to a health page": head(b"POST /health/live HTTP/1.1", b"Content-Length: 5") + b"hello",
    "no JSON": announced(b"carat=1", json=False),
    "2 MB": announced(STONE.ljust(2 * MB)),
    "a byte over 2 MB": announced(STONE.ljust(2 * MB + 1)),
    "8 MB": announced(STONE.ljust(8 * MB)),
    "8 MB announced, not sent": announced(b"", length=b"8388608"),
    "continue": announced().replace(HOST, HOST + b"Expect: 100-continue\r\n"),
    "Continue": announced().replace(HOST, HOST + b"Expect: 100-Continue\r\n"),
    "continue, too large": announced(STONE.ljust(2 * MB + 1)).replace(
        HOST, HOST + b"Expect: 100-continue\r\n"
    ),
    "expect a miracle": announced().replace(HOST, HOST + b"Expect: miracle\r\n"),
    "continue, HTTP/1.0": announced(version=b"HTTP/1.0").replace(
        HOST, HOST + b"Expect: 100-continue\r\n"
    ),
}

CHUNKED = {
    "one chunk": chunked(chunks(STONE)),
    "two chunks": chunked(chunks(*HALVES)),
    "chunks of a byte": chunked(chunks(*[STONE[at : at + 1] for at in range(len(STONE))])),
    "no chunk": chunked(LAST),
    "size with zeros": chunked(b"000%x\r\n%s\r\n" % (len(STONE), STONE) + LAST),
    "size in capitals": chunked((b"%X\r\n%s\r\n" % (len(STONE), STONE)) + LAST),
    "last chunk of many zeros": chunked(chunks(STONE, end=b"0000000000000000000\r\n\r\n")),
    "extension": chunked(chunks(STONE, extension=b";x=y")),
    "extension with blanks": chunked(chunks(STONE, extension=b" ; x = y")),
    "extension quoted": chunked(chunks(STONE, extension=b';x="a;b"')),
    "extension on the last": chunked(chunks(STONE, end=b"0;x=y\r\n\r\n")),
    "extension bad": chunked(chunks(STONE, extension=b";=")),
    "extension with a CR": chunked(chunks(STONE, extension=b";a\rb")),
    "extension of 9 kB": chunked(chunks(STONE, extension=b";" + b"x" * 9000)),
    "trailer": chunked(chunks(STONE, end=b"0\r\nX-A: b\r\n\r\n")),
    "trailers": chunked(chunks(STONE, end=b"0\r\nX-A: b\r\nX-C: d\r\n\r\n")),
    "trailer length": chunked(chunks(STONE, end=b"0\r\nContent-Length: 5\r\n\r\n")),
    "trailer host": chunked(chunks(STONE, end=b"0\r\nHost: example.org\r\n\r\n")),
    "trailer no colon": chunked(chunks(STONE, end=b"0\r\nX-A\r\n\r\n")),
    "trailer with LF": chunked(chunks(STONE, end=b"0\r\nX-A: b\n\n")),
    "size no number": chunked(b"xx\r\n" + STONE + b"\r\n" + LAST),
    "size empty": chunked(b"\r\n" + STONE + b"\r\n" + LAST),
    "size negative": chunked(b"-5\r\nhello\r\n" + LAST),
    "size with 0x": chunked(b"0x5\r\nhello\r\n" + LAST),
    "size with a blank first": chunked(b" 5\r\nhello\r\n" + LAST),
    "size with an underscore": chunked(b"1_0\r\n" + b"a" * 16 + b"\r\n" + LAST),
    "size line without an end": chunked(b"5" * 10_000),
    "chunk too short": chunked(b"5\r\nhell\r\n" + LAST),
    "chunk too long": chunked(b"5\r\nhello there\r\n" + LAST),
    "chunk ended by LF": chunked(b"5\r\nhello\n" + LAST),
    "coding in capitals": chunked(chunks(STONE), coding=b"CHUNKED"),
    "coding identity": chunked(chunks(STONE), coding=b"identity"),
    "coding identity, chunked": chunked(chunks(STONE), coding=b"identity, chunked"),
    "coding gzip": chunked(chunks(STONE), coding=b"gzip"),
    "coding gzip, chunked": chunked(chunks(STONE), coding=b"gzip, chunked"),
    "coding chunked, gzip": chunked(chunks(STONE), coding=b"chunked, gzip"),
    "coding chunked twice": chunked(chunks(STONE), coding=b"chunked, chunked"),
    "coding unknown": chunked(chunks(STONE), coding=b"zip"),
    "coding empty": chunked(chunks(STONE), coding=b""),
    "coding with a tab": chunked(chunks(STONE), coding=b"\tchunked"),
    "coding in two fields": chunked(chunks(STONE), b"Transfer-Encoding: identity"),
    "chunked with length": chunked(chunks(STONE), b"Content-Length: 5"),
    "chunked on HTTP/1.0": chunked(chunks(STONE), version=b"HTTP/1.0"),
    "2 MB in chunks": chunked(chunks(*[b" " * 2**16] * 31, STONE)),
    "over 2 MB in chunks": chunked(chunks(*[b" " * 2**16] * 33)),
    "20,000 chunks of a byte": chunked(chunks(*[b" "] * 20_000, STONE)),
}

FOLLOWED = {
    "stray CRLF": live() + b"\r\n" + live(),
    "stray CRLF after a body": announced() + b"\r\n" + live(),
    "stray CRLF after chunks": chunked(chunks(STONE)) + b"\r\n" + live(),
    "two": live() * 2,
    "ten": live() * 10,
    "fifty": live() * 50,
    "two prices": announced() * 2,
    "length, then chunks": announced() + chunked(chunks(STONE)),
    "chunks, then length": chunked(chunks(STONE)) + announced(),
    "trailer, then GET": CHUNKED["trailer"] + live(),
    "extension, then GET": CHUNKED["extension on the last"] + live(),
    "body on GET, then GET": BODIES["GET with a body"] + live(),
    "PUT, then GET": BODIES["PUT with a body"] + live(),
    "404, then GET": BODIES["POST to nowhere"] + live(),
    "403, then GET": BODIES["POST without a token"] + live(),
    "405, then GET": BODIES["POST to a health page"] + live(),
    "400, then GET": announced(b"{") + live(),
    "413, then GET": BODIES["a byte over 2 MB"] + live(),
    "refused, then GET": BODIES["length negative"] + live(),
    "close, then GET": live(b"Connection: close") + live(),
    "HTTP/1.0, then GET": live(version=b"HTTP/1.0") + live(),
    "GET, then nonsense": live() + b"nonsense\r\n\r\n",
    "GET, then LF": live() + live().replace(b"\r\n", b"\n"),
    "HEAD, then GET": live(method=b"HEAD") + live(),
    "continue, then GET": BODIES["continue"] + live(),
}

CUT_SHORT = {
    f"{name} {LEFT}": sent
    for name, sent in {
        "nothing": b"",
        "GET": live(),
        "two": live() * 2,
        "length": announced(),
        "chunks": CHUNKED["two chunks"],
        "a letter": b"G",
        "line": b"GET /health/live HTTP/1.1",
        "line and its end": b"GET /health/live HTTP/1.1\r\n",
        "bad line": b"nonsense\r\n",
        "head": live()[:-2],
        "head but one": live()[:-1],
        "CR": b"\r",
        "GET, then half": live() + live()[:20],
        "body": announced()[:-5],
        "no body": announced()[: -len(STONE)],
        "body, then GET": announced(length=b"%d" % (len(STONE) + 10)) + live()[:5],
        "chunk": chunked(chunks(STONE, end=b""))[:-5],
        "last chunk": chunked(chunks(STONE, end=b"")),
        "last chunk's size": chunked(chunks(STONE, end=b"0\r\n")),
        "trailer": chunked(chunks(STONE, end=b"0\r\nX-A: b\r\n")),
        "8 MB": announced(b"{", length=b"8388608"),
        "chunk with LF": chunked(b"5\nhello\n0\n\n"),
        "size of 20 digits": chunked(b"f" * 20 + b"\r\nhello"),
    }.items()
}

WHOLE = {**HEADS, **BODIES, **CHUNKED, **FOLLOWED, **CUT_SHORT}

SPLIT = {
    **{f"GET split at {at}": [live()[:at], live()[at:]] for at in range(1, len(live()))},
    **{
        f"chunks split at {at}": [CHUNKED["trailer"][:at], CHUNKED["trailer"][at:]]
        for at in range(1, len(CHUNKED["trailer"]), 3)
    },
    **{
        f"{name}, byte by byte": [sent[at : at + 1] for at in range(len(sent))]
        for name, sent in {
            "GET": live(),
            "length": announced(),
            "extension": CHUNKED["extension on the last"],
            "two": live() * 2,
            "bad line": HEADS["words"],
            "LF": HEADS["LF for CRLF"],
        }.items()
    },
}

CASES = {name: [sent] for name, sent in WHOLE.items()} | SPLIT
