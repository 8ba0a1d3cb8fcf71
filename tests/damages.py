"""Ways to damage a forest's file; each is a function of its path."""


def delete(path):
    path.unlink()


def truncate(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def cut_the_last_byte(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)


def empty(path):
    path.write_bytes(b"")


def alter(place):
    def change(path):
        with path.open("r+b") as file:
            file.seek(place, 0 if place >= 0 else 2)
            [byte] = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))

    change.__name__ = f"alter_a_bit_at_{place}"
    return change


def append(path):
    with path.open("ab") as file:
        file.write(b" ")


def put_text_there(path):
    path.write_text("no forest at all\n" * 100)


def put_a_folder_there(path):
    path.unlink()
    path.mkdir()


DAMAGES = [
    delete,
    truncate,
    cut_the_last_byte,
    empty,
    append,
    put_text_there,
    put_a_folder_there,
    alter(0),
    alter(100_000),
    *map(alter, range(-128, 0, 3)),
]
