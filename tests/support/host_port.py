# SPDX-License-Identifier: BSD-2-Clause
"""A path under which a program finds what is otherwise a port inside the test."""

import os
import select
import threading
import tty


class HostPort:
    """A pseudo-terminal at `path` that carries everything to and from `port`, which has read(size) and write(data). A context manager."""

    def __init__(self, port):
        self.port, self.ended = port, False
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        os.close(self.master)
        os.close(self.slave)

    def _carry(self):
        while not self.ended:
            if select.select([self.master], [], [], 0)[0]:
                self.port.write(os.read(self.master, 4096))
            if data := self.port.read(4096):
                os.write(self.master, data)
