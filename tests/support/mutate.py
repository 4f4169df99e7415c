"""Seeded damage to the bytes of a valid file, for tests of what reads untrusted input."""

import re
from collections.abc import Iterator

import numpy as np

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+|[{}\[\]:,]')

_BOUNDARIES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def mutants(content: bytes, count: int, seed: int = 0, within: int | None = None) -> Iterator[bytes]:
    """Yield `count` damaged copies of `content`, the same for the same seed.

    Damage is one to four of: flipped bits, boundary values in 1, 2 or 4 bytes, a cut, a removed, repeated or inserted
    stretch, zeros. It falls within the first `within` bytes (a header), or anywhere.
    """
    random = np.random.default_rng(seed)
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(random.integers(1, 5)):
            end = max(1, min(len(damaged), within or len(damaged)))
            start = int(random.integers(end))
            length = int(random.integers(1, 33))
            match random.integers(8):
                case 0 | 1:
                    for position in random.integers(end, size=length % 8 + 1):
                        if position < len(damaged):
                            damaged[position] ^= 1 << int(random.integers(8))
                case 2 | 3:
                    size = (1, 2, 4)[random.integers(3)]
                    value = int(random.choice(_BOUNDARIES)) % 256**size
                    damaged[start : start + size] = value.to_bytes(size, "big" if random.integers(2) else "little")
                case 4:
                    del damaged[int(random.integers(len(damaged) + 1)) :]
                case 5:
                    del damaged[start : start + length]
                case 6:
                    stretch = bytes(damaged[start : start + length])
                    damaged[start:start] = stretch if random.integers(2) else random.bytes(length)
                case 7:
                    damaged[start : start + length] = bytes(length)
        yield bytes(damaged)


def text_mutants(text: str, count: int, seed: int = 0) -> Iterator[str]:
    """Yield `count` damaged copies of a JSON text: values and punctuation replaced by absurd ones, or cut."""
    random = np.random.default_rng(seed)
    absurd = (
        "null", "true", "-1", "0", "1e308", "NaN", "Infinity", "9" * 400, '""', '"../../x"', "[]", "{}", "[" * 2000,
        '"\\u001b[31m"', '"\\ud800"', "0.5", '{"a":', ",", ":", "}",
    )  # fmt: skip
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    for _ in range(count):
        damaged = text
        for start, end in sorted(tokens[i] for i in random.integers(len(tokens), size=random.integers(1, 3)))[::-1]:
            damaged = damaged[:start] + absurd[random.integers(len(absurd))] + damaged[end:]
        if random.integers(10) == 0:
            damaged = damaged[: random.integers(len(damaged) + 1)]
        yield damaged
