"""
The sampler of a worker process: which line of the reader's code each call is at, every 10 ms.

It is a daemon thread, so it works while the event loop is blocked, and needs no privileges. It exists only where the
host was started with a folder for profiles, and samples only while the switch in that folder is on. After that it
writes ``<pid>.json`` there (see ``sampler_tally``).

Between the reading of the stacks and the end of a sample nothing gives the GIL away on purpose, and no frame is kept:
a frame keeps the locals of the app alive.
"""

import asyncio
import os
import sys
import threading
import time
import traceback
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from functune.timing import frames_pools, frames_tasks, frames_waits
from functune.timing.frames import ReaderCode, label, outward
from functune.timing.frames_waits import Wait
from functune.timing.sampler_clocks import ThreadClocks
from functune.timing.sampler_switch import SamplerSwitch
from functune.timing.sampler_tally import TalliedRow, Tally

INTERVAL = 0.010
"""Seconds between two samples."""
SWITCH_INTERVAL = 0.0005
"""Seconds a thread may hold the GIL while the sampler waits for it: with the default of 5 ms a sampler sees threads
that compute too rarely."""
_MOST = 1 / 12
"""Share of the time that sampling may take; with more threads and tasks it samples less often."""
_IDLE = 0.02
"""Seconds between two looks at the switch while it is off."""
_MAX_FRAMES = 60
"""Frames of a stack that are kept, from the outermost frame of the reader's code inwards."""


def start_sampler(folder: Path, *, script_root: Path, loop: asyncio.AbstractEventLoop | None) -> None:
    """
    Start the thread, from the thread of the event loop; None for a process whose handlers have none.

    Raises OSError where the folder has no switch.
    """
    sampler = Sampler(folder, ReaderCode(script_root), loop, None if loop is None else threading.get_ident())
    threading.Thread(target=sampler.run, name="functune sampler", daemon=True).start()


class Sampler:
    """Samples the threads of this process and the tasks of its event loop, if it has one."""

    def __init__(
        self, folder: Path, reader: ReaderCode, loop: asyncio.AbstractEventLoop | None, loop_thread: int | None
    ) -> None:
        self._folder = folder
        self._switch = SamplerSwitch(folder)
        self._written = 0 if self._switch.period else self._switch.last
        """The last period that this process has written, or that ended before the process began."""
        self._reader = reader
        self._loop = loop
        self._loop_thread = loop_thread
        self._clocks = ThreadClocks()
        self._last: dict[int, TalliedRow | None] = {}
        """The row of each thread in the last sample: CPU time that a wait has ended with belongs to the line before."""

    def run(self) -> None:
        """
        Follow the switch for as long as the process lives.

        On a busy machine the thread may see a period only after its end. It then writes a file without samples, since
        the lab waits for the file of each worker.
        """
        while True:
            if (period := self._switch.last) != self._written:
                self._record(period)
                self._written = period
            time.sleep(_IDLE)

    def _record(self, period: int) -> None:
        """Sample until the period ends and write the samples, with the traceback of an error of the sampler."""
        tally, usual = Tally(period), sys.getswitchinterval()
        self._last.clear()
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            self._sample_until_end(tally)
        except Exception:
            tally.error = traceback.format_exc()
        finally:
            if abs(sys.getswitchinterval() - SWITCH_INTERVAL) < SWITCH_INTERVAL / 100:  # the app may have set its own
                sys.setswitchinterval(usual)
        tally.write(self._folder / f"{os.getpid()}.json")

    def _sample_until_end(self, tally: Tally) -> None:
        for thread in sys._current_frames():
            self._clocks.cpu_since_last(thread)  # what it used before the period does not count
        before, cost = time.perf_counter(), 0.0
        while True:
            time.sleep(max(INTERVAL, cost / _MOST))
            if self._switch.period != tally.period:
                return
            now, used = time.perf_counter(), time.thread_time()
            tally.begin_sample(now - before)
            self._sample(tally, now - before)
            # CPU time: threads that compute take the GIL in the middle of a sample, and their turns are no cost of it.
            before, cost = now, time.thread_time() - used

    def _sample(self, tally: Tally, seconds: float) -> None:
        """One sample, which stands for the seconds since the last one."""
        seen: dict[int, TalliedRow | None] = {}
        work: dict[int, TalliedRow | None] = {}
        nested: list[asyncio.Task[Any]] = []
        for thread, frame in sys._current_frames().items():
            if frame.f_code is frames_pools.POOL_THREAD or thread == threading.get_ident():
                continue
            stack = list(outward(frame))
            task = frames_pools.nested_task(stack) if thread != self._loop_thread else None
            nested += [] if task is None else [task]
            row = seen[thread] = self._thread_row(thread, stack) if task is None else None
            cpu = self._clocks.cpu_since_last(thread)
            self._count_thread(tally, row, self._last.get(thread), seconds, cpu)
            if (future := frames_pools.executor_work(stack)) is not None:
                work[future] = row or self._library_row(stack)
        self._last = seen
        self._sample_tasks(tally, seconds, work, nested)

    def _count_thread(
        self, tally: Tally, row: TalliedRow | None, last: TalliedRow | None, seconds: float, cpu: float
    ) -> None:
        if row is not None:
            tally.add(row, seconds, cpu if row.may_run else 0.0)
        if cpu and last is not None and last.may_run and (row is None or not row.may_run):
            tally.add_cpu(last, cpu)

    def _thread_row(self, thread: int, stack: list[FrameType]) -> TalliedRow | None:
        """The row of a thread; None where it runs none of the reader's code, or waits without a call."""
        files = [self._reader.file(frame.f_code) for frame in stack]
        inner = next((place for place, file in enumerate(files) if file), None)
        if inner is None:
            return None
        outer = max(place for place, file in enumerate(files) if file)
        wait = frames_waits.wait_of_thread(stack, self._reader)
        on_loop = thread == self._loop_thread
        if wait.kind != "cpu" and not on_loop and not any(frames_pools.serves_calls(frame) for frame in stack[outer:]):
            return None  # a thread of the app's own, such as a poller: its CPU time counts, its waits delay no call
        return self._row(stack[outer::-1], outer - inner, wait, on_loop=on_loop)

    def _row(self, frames: list[FrameType], place: int, wait: Wait, *, on_loop: bool) -> TalliedRow:
        """The row of some frames, the outermost one first, in which ``place`` is that of the decisive line."""
        frame = frames[place]
        return TalliedRow(
            file=self._reader.file(frame.f_code),
            line=frame.f_lineno or frame.f_code.co_firstlineno,
            function=frame.f_code.co_qualname,
            kind=wait.kind,
            waits_in=wait.waits_in,
            is_certain=wait.is_certain,
            on_loop=on_loop,
            stack=self._labels(frames),
        )

    def _labels(self, frames: list[FrameType]) -> tuple[str, ...]:
        return tuple(
            label(each.f_code, each.f_lineno or 0, self._reader.file(each.f_code)) for each in frames[:_MAX_FRAMES]
        )

    def _library_row(self, stack: list[FrameType]) -> TalliedRow:
        """The row of a thread of an executor that runs none of the reader's code, such as ``to_thread(time.sleep)``."""
        wait = frames_waits.wait_of_thread(stack, self._reader)
        return TalliedRow("", 0, "", wait.kind, wait.waits_in, is_certain=wait.is_certain, on_loop=False, stack=())

    def _sample_tasks(
        self, tally: Tally, seconds: float, work: dict[int, TalliedRow | None], nested: list["asyncio.Task[Any]"]
    ) -> None:
        """Count every suspended task that no other task waits for, along its await chain."""
        own = set() if self._loop is None else asyncio.all_tasks(self._loop)
        tasks = [*nested, *(task for task in own if isinstance(task, asyncio.Task))]
        running = None if self._loop is None else asyncio.current_task(self._loop)
        reached: set[int] = set()
        found = [(task, list(frames_tasks.branches(task, reached))) for task in tasks if task is not running]
        for task, chains in found:
            if id(task) not in reached:
                for branch in chains:
                    self._count_branch(tally, branch, seconds * branch.weight, work)

    def _count_branch(
        self, tally: Tally, branch: frames_tasks.Branch, seconds: float, work: dict[int, TalliedRow | None]
    ) -> None:
        frames = branch.frames
        files = [self._reader.file(frame.f_code) for frame in frames]
        places = [place for place, file in enumerate(files) if file]
        if not places:
            self._count_queued_call(tally, frames, seconds)
        elif (wait := self._task_wait(branch, work)) is not None:
            first, last = places[0], places[-1]
            tally.add(self._row(frames[first:], last - first, wait, on_loop=False), seconds, 0.0)

    def _task_wait(self, branch: frames_tasks.Branch, work: dict[int, TalliedRow | None]) -> Wait | None:
        """The wait of a suspended task; None where its work is in a thread, whose line is counted instead."""
        future = frames_tasks.executor_future(branch.future)
        if future is not None:
            if frames_tasks.is_queued(future):
                return Wait("executor", "a free thread of the executor")
            row = work.get(id(future))
            if row is None or row.file:
                return None
            return Wait(row.kind, row.waits_in or "work in a thread")
        if branch.future is None:
            return Wait("other", "a free event loop")  # ready to run: another call holds the loop
        innermost = branch.frames[-1]
        if frames_pools.runs_in_thread(innermost) and any(
            map(self._reader.file, frames_pools.passed_functions(innermost))
        ):
            return None  # it runs in a thread of anyio
        return frames_waits.wait_of_task([frame.f_code for frame in reversed(branch.frames)], self._reader)

    def _count_queued_call(self, tally: Tally, frames: list[FrameType], seconds: float) -> None:
        """A call that waits for one of anyio's threads has no line yet: its function is counted instead."""
        wait = frames_waits.wait_of_task([frame.f_code for frame in reversed(frames)], self._reader)
        if wait.kind == "pool" and (code := self._queued_code(frames)) is not None:
            file, stack = self._reader.file(code), self._labels(frames)
            row = TalliedRow(
                file,
                code.co_firstlineno,
                code.co_qualname,
                wait.kind,
                wait.waits_in,
                is_certain=True,
                on_loop=False,
                stack=stack,
            )
            tally.add(row, seconds, 0.0)

    def _queued_code(self, frames: list[FrameType]) -> CodeType | None:
        """The reader's function that a chain is about to run in a thread; None where there is none."""
        inwards = frames[::-1]
        calls = (frame for frame in inwards if frames_pools.runs_in_thread(frame))
        queued = (code for frame in calls for code in frames_pools.passed_functions(frame))
        routed = (code for frame in inwards for code in frames_pools.routed_endpoint(frame))
        return next((code for code in chain(queued, routed) if self._reader.file(code)), None)
