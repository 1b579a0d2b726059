"""Plays releases of promote, and promotions as a workflow of GitHub would run them: what must work, and what must be refused.

play.py PROMOTE [ACT…]: everything else is made here. PLAY_SHOW=1 prints logs.
"""

import pathlib
import signal
import sys
import tempfile
import traceback

import before
import itself
import promotions
import releases
from stage import Origin, Program


def main():
    promote, *wanted = sys.argv[1:]
    # A job in the background of a shell is started deaf to it, and no step could trap it then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="promote-play-") as folder:
        folder = pathlib.Path(folder)
        program = Program(promote, folder / "built")
        # Nothing of it is run: enough to play a release, and quickly packed.
        program.small = Program(promote, folder / "small", is_small=True)
        # One release for all acts that only use one.
        origin = Origin(folder / "origin", program)
        origin.tag().play()
        for act in itself.ACTS + releases.ACTS + promotions.ACTS + before.ACTS:
            if wanted and act.__name__ not in wanted:
                continue
            name = act.__name__.replace("_", " ")
            try:
                with tempfile.TemporaryDirectory(prefix="promote-act-") as own:
                    act(origin, pathlib.Path(own))
                passed += 1
                print(f"ok      {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or not passed


if __name__ == "__main__":
    sys.exit(main())
