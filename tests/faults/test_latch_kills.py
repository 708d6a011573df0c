"""kill -9 while leases are granted and STOP comes and goes: nothing that was said is taken back."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from teleop.latch import LatchFile
from tests.system.rig import ROOT

ROUNDS = 12

# Grants as fast as the disk reserves, and says so only then, as control does.
CHILD = """
import sys
from pathlib import Path
from teleop.latch import Latch, LatchFile, LatchWriter
writer = LatchWriter(LatchFile(Path(sys.argv[1])))
epoch, stopped = writer.persisted.epoch_ceiling, writer.persisted.stopped_by
print("found", epoch, stopped or "-", flush=True)
writer.start()
turn = 0
while True:
    if epoch < writer.ceiling:
        epoch += 1
        print("granted", epoch, flush=True)
    if turn == 0:
        print("reset", flush=True)
        stopped = ""
    elif turn == 20:
        stopped = "ada"
    writer.wanted(Latch(epoch=epoch, stopped_by=stopped))
    if turn < 20 or writer.stop_settled():
        if turn == 20:
            print("stopped", flush=True)
        turn = (turn + 1) % 60
"""


def test_epochs_never_come_back_and_an_acknowledged_stop_stays(tmp_path: Path) -> None:
    path, dice = tmp_path / "rover.latch.json", random.Random(5)
    newest, stays = 0, False
    for _ in range(ROUNDS):
        control = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert control.stdout is not None
        lines = [control.stdout.readline() for _ in range(dice.randrange(1, 120))]
        control.kill()
        lines += control.stdout.readlines()  # said before it died
        control.stdout.close()
        control.wait()
        for line in (line for line in lines if line.endswith("\n")):
            match line.split():
                case ["found", epoch, stopped]:
                    assert int(epoch) >= newest, "an epoch could come back"
                    assert stopped != "-" or not stays, "an acknowledged STOP is forgotten"
                case ["granted", epoch]:
                    assert int(epoch) > newest
                    newest = int(epoch)
                case ["stopped"]:
                    stays = True
                case ["reset"]:
                    stays = False
    assert newest > ROUNDS
    assert LatchFile(path).read().epoch_ceiling >= newest
