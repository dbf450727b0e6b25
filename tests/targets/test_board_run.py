# SPDX-License-Identifier: BSD-2-Clause
"""`--target arty --run --port PORT`: the same command line at a simulated SoC's serial port, and at ports where something is wrong."""

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from accel.config import CONFIGS
from accel.errors import UserError
from compiler.binary import build_binary
from compiler.expectation import expect
from firmware.frames import ANSWERS, Frame, FrameReader, encode
from nets.digits_data import digits
from nets.images import open_images
from nets.preprocessing import Preprocessing
from nets.zoo import load_model
from targets import arty
from targets.board_run import raise_baud
from tests.support.host_firmware import HostFirmware, compile_firmware
from tests.support.host_port import HostPort

ROOT = Path(__file__).resolve().parents[2]
COUNT = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of pictures of digits, their classes in their names."""
    path = tmp_path_factory.mktemp("pictures")
    images, labels = digits(held_back=True)
    for i in range(COUNT):
        Image.fromarray((255 * images[i, ..., 0]).round().astype(np.uint8)).save(path / f"{labels[i]}_{i}.png")
    return path


@contextlib.contextmanager
def served(*words):
    """Yield (the serial port of a simulated SoC that `--serve` and more words run, the line that it says of it)."""
    # Programs in the background of a script inherit that they ignore SIGINT; this one must not.
    process = subprocess.Popen([sys.executable, ROOT / "build.py", "--target", "sim", "--serve", *words], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        for line in process.stdout:
            if line.startswith("serial port: "):
                yield line.split()[-1], process.stdout.readline()
                break
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


@pytest.fixture(scope="module")
def simulation():
    """The serial port of a simulated SoC that `--serve` has booted."""
    with served() as (port, _):
        yield port


def test_a_folder_of_pictures_is_classified_with_the_simulations_report(simulation, folder, tmp_path, capsys):
    files = tmp_path / "out.json", tmp_path / "conv3"
    words = ["--reset", "--model", "digits", "--images", str(folder), "--pixel-scale", "1/255", "--run", "--step", "--port", simulation,
             "--json", str(files[0]), "--dump", "conv3", str(files[1])]
    assert arty.run(words) == 0
    said = capsys.readouterr().out
    assert "the firmware has forgotten its model" in said
    assert "every tensor of all images equals the golden model's" in said and "note:" not in said
    assert "step 0: conv1, conv2+pool, conv3, dense" in said and "logits as expected" in said
    report = json.loads(files[0].read_text())
    names = [Path(image["name"]).name for image in report["images"]]
    assert names == [f"{image['top'][0]['label']}_{name[2:]}" for image, name in zip(report["images"], names, strict=True)]
    assert (report["target"], report["clock_hz"], report["count"], report["exact"], report["accuracy"]) == ("arty", 100_000_000, COUNT, True, 1.0)
    assert 3000 < report["cycles"] == sum(layer["cycles"] for layer in report["layers"]) < report["cycles_end_to_end"]
    network = load_model("digits").network
    binary = build_binary(network, CONFIGS["arty-35"])
    # --step has run the first image again since.
    last = open_images(folder, (8, 8, 1), Preprocessing(scale=1 / 255)).samples(network, COUNT).images[-1]
    np.testing.assert_array_equal(np.load(files[1]), expect(network, binary.model, last).tensors["conv3"])
    assert f"conv3: int8 4 x 4 x 28, in {files[1]}" in said


@pytest.mark.full
def test_the_firmware_goes_by_the_serial_boot_and_runs_a_model(capsys):
    with served("--boot", "uart") as (port, said):
        firmware = said.split()[-1]
        assert "the BIOS asks for a serial boot" in said and Path(firmware).exists()
        assert arty.run(["--run", "--model", "digits", "--count", "1", "--port", port, "--boot", "uart", "--firmware", firmware]) == 0
    assert "every tensor of all images equals the golden model's" in capsys.readouterr().out


def test_a_board_of_another_configuration_is_refused_before_anything_is_loaded(simulation):
    with pytest.raises(UserError, match="the board's accelerator is arty-35, not arty-100: give --config arty-35"):
        arty.run(["--run", "--model", "digits", "--config", "arty-100", "--port", simulation])


@pytest.fixture(scope="module")
def idle_program(tmp_path_factory):
    """A firmware whose accelerator computes nothing."""
    return compile_firmware(CONFIGS["arty-35"], tmp_path_factory.mktemp("firmware"))


@pytest.fixture
def idle_port(idle_program):
    with HostFirmware(idle_program) as firmware, HostPort(firmware) as port:
        yield port.path


def test_a_board_that_computes_wrongly_fails_the_run(idle_port, capsys):
    # Its counters are invented too, which is noticed first.
    with pytest.raises(UserError, match="busy and stalls add up to"):
        arty.run(["--run", "--model", "digits", "--count", "1", "--port", idle_port])
    assert arty.run(["--step", "--model", "digits", "--port", idle_port]) == 1
    assert "logits NOT EXACT at (0, 0, 0): expected" in capsys.readouterr().out


def test_layers_are_stepped_by_the_cpu(idle_port, capsys):
    assert arty.run(["--step", "--cpu", "--model", "digits", "--port", idle_port]) == 0
    steps = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert len(steps) == len(load_model("digits").network.layers) and all(line.endswith("as expected") for line in steps)


def test_ctrl_d_ends_the_stepping(idle_port, monkeypatch, capsys):
    def ctrl_d(_):
        raise EOFError
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", ctrl_d)
    assert arty.run(["--step", "--cpu", "--model", "digits", "--port", idle_port]) == 0
    assert capsys.readouterr().out.count("step ") == 1


@pytest.mark.parametrize("name, file, sentence", [
    ("nothing", "x.npy", "no tensor 'nothing' in memory: it has image, conv1, "),
    ("conv1", "none/x.npy", "--dump conv1 .*/x.npy: there is no folder .*none"),
    ("conv1", ".", "--dump conv1 .*: no file can be written there; name another"),
])
def test_a_dump_that_cannot_be_had_is_refused_before_anything_is_run(idle_port, tmp_path, capsys, name, file, sentence):
    with pytest.raises(UserError, match=sentence):
        arty.run(["--step", "--cpu", "--model", "digits", "--port", idle_port, "--dump", name, str(tmp_path / file)])
    assert "step 0" not in capsys.readouterr().out


def test_a_dump_is_written_to_the_file_that_was_named(idle_port, tmp_path, capsys):
    path = tmp_path / "out"
    assert arty.run(["--step", "--cpu", "--model", "digits", "--port", idle_port, "--dump", "logits", str(path)]) == 0
    assert list(tmp_path.iterdir()) == [path] and np.load(path).shape == (1, 1, 10)
    assert f"in {path}" in capsys.readouterr().out


class Partner:
    """A firmware that answers every frame with `kind`, `payload` and `protocol`; nothing where they are None."""

    def __init__(self, kind=None, payload=b"", protocol=1):
        self.kind, self.payload, self.protocol, self.reader, self.out = kind, payload, protocol, FrameReader(), b""

    def write(self, data):
        """Take bytes."""
        for frame in filter(None, self.reader.feed(data)):
            if self.kind is not None:
                self.out += encode(Frame(self.kind, frame.sequence, self.payload, self.protocol))

    def read(self, size):
        """Return the answers."""
        data, self.out = self.out, b""
        return data


@pytest.mark.parametrize("partner, sentence", [
    (Partner(), "has not answered IDENTIFY for 1 seconds: look whether the board runs this firmware"),
    (Partner(ANSWERS["DONE"], bytes(20), 1), "the firmware speaks version 1 of the protocol, not 2: build the firmware again"),
])
def test_a_port_without_this_firmware_ends_with_a_sentence(partner, sentence, monkeypatch):
    monkeypatch.setattr("targets.board_run.PATIENCE", 1)
    with HostPort(partner) as port, pytest.raises(UserError, match=sentence):
        arty.run(["--reset", "--port", port.path])


def test_the_line_begins_with_the_rate_that_the_gateware_was_built_with(idle_port, monkeypatch):
    from firmware.link import open_port
    asked = []

    def opened(port, baudrate):
        asked.append(baudrate)
        return open_port(port, baudrate)
    monkeypatch.setattr("targets.board_run.open_port", opened)
    assert arty.run(["--reset", "--port", idle_port, "--uart-baudrate", "1000000"]) == arty.run(["--reset", "--port", idle_port]) == 0
    assert asked == [1_000_000, 115200]


def test_a_port_that_another_program_has_is_not_taken(idle_port):
    from firmware.link import open_port
    port = open_port(idle_port)
    with pytest.raises(UserError, match="cannot open the serial port .*no other program has it"):
        arty.run(["--reset", "--port", idle_port])
    port.close()


@pytest.mark.parametrize("words, sentence", [
    (["--run", "--model", "digits"], "give --port PORT, such as /dev/ttyUSB1"),
    (["--model", "digits", "--port=x"], "nothing to do at the port: give --run, --step, --reset or --boot uart"),
    (["--run", "--model", "digits", "--port", "/dev/nothing"], "cannot open the serial port /dev/nothing .*look whether it is there"),
    (["--run", "--build", "--model", "digits", "--port", "x"], "--build is about the gateware: give it first, on a command line of its own"),
    (["--step", "--batch", "2", "--model", "digits", "--port", "x"], "--step goes through one image: leave out --batch"),
    (["--reset", "--dump", "conv1", "x.npy", "--port", "x"], "--dump writes what a model has left in memory: give --run or --step"),
    (["--reset", "--baud", "-5", "--port", "x"], "--baud -5: no line has this rate; give 1,200 to 12,000,000 baud, such as --baud 115200"),
    (["--reset", "--baud=5000000000", "--port", "x"], "--baud 5000000000: no line has this rate"),
    (["--reset", "--uart-baudrate", "0", "--port", "x"], "--uart-baudrate 0: no line has this rate"),
])
def test_what_cannot_be_run_is_refused_with_a_sentence(words, sentence):
    with pytest.raises(UserError, match=sentence):
        arty.run(words)


def test_a_run_without_a_model_and_a_boot_without_a_firmware_are_refused(idle_port, tmp_path):
    with pytest.raises(UserError, match="--run needs --model"):
        arty.run(["--run", "--port", idle_port])
    with pytest.raises(UserError, match="cannot read the firmware .*: write it with --build"):
        arty.run(["--reset", "--boot", "uart", "--firmware", str(tmp_path / "none.bin"), "--port", idle_port])


class Line:
    """What raise_baud sees of a session."""

    def __init__(self, first, answer):
        self.identity, self.answer = type("Identity", (), {"baud": first}), answer

    def change_baud(self, baud):
        """Return, or raise, what is to be answered."""
        if isinstance(self.answer, UserError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("first, answer, note", [
    (115200, True, None), (0, False, None), (1_000_000, False, None),
    (115200, False, "the line does not carry 1,000,000 baud: it stays at 115,200"),
    (115200, UserError("it cannot"), "it cannot; the line stays at 115,200 baud"),
])
def test_a_line_that_stays_slow_is_noted(first, answer, note):
    assert raise_baud(Line(first, answer), 1_000_000) == note
