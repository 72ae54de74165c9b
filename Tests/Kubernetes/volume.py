"""A projected volume as the kubelet makes it: the files are links into `..data`, itself a link that is swapped."""

import os
import pathlib


class Volume:
    def __init__(self, directory, token, authority):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.contents = {"token": token.encode(), "ca.crt": authority}
        self.generation = 0
        self.publish()
        for name in self.contents:
            os.symlink(f"..data/{name}", self.directory / name)

    @property
    def token_file(self):
        return self.directory / "token"

    @property
    def authority_file(self):
        return self.directory / "ca.crt"

    def rotate(self, token=None, authority=None):
        """Puts new contents in force, all files at the same moment."""
        if token is not None:
            self.contents["token"] = token.encode()
        if authority is not None:
            self.contents["ca.crt"] = authority
        self.publish()

    def publish(self):
        self.generation += 1
        fresh = self.directory / f"..{self.generation}"
        fresh.mkdir()
        for name, data in self.contents.items():
            (fresh / name).write_bytes(data)
            os.chmod(fresh / name, 0o600)
        data, swap = self.directory / "..data", self.directory / "..data_tmp"
        old = os.readlink(data) if data.is_symlink() else None
        os.symlink(fresh.name, swap)
        os.replace(swap, data)
        if old:
            for name in self.contents:
                (self.directory / old / name).unlink()
            (self.directory / old).rmdir()
