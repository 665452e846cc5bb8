import { expect, it } from 'vitest';
import { engineLab } from './testing/lab.ts';

const lab = engineLab();

const odd = `
import threading
class Nameless(threading.Thread):
    name = property(lambda self: 1 / 0, lambda self, name: None)
class Numbered(threading.Thread):
    name = property(lambda self: 7, lambda self, name: None)
def main():
    leave = threading.Event()
    def wait(inside):
        inside.set()
        leave.wait()
    for kind in (Nameless, Numbered, threading.Thread):
        inside = threading.Event()
        thread = kind(target=wait, args=(inside,))
        thread.start()
        inside.wait()
    print("started", flush=True)
    leave.wait()
`;

it('the threads of an app say what they do, also those whose own code about their name fails', async () => {
  const runner = lab.start(odd);
  await runner.line(/^started/);
  const threads = await runner.handle.stacks();
  const waiting = threads?.filter(({ frames }) =>
    frames.some((frame) => frame.function.endsWith('wait') && frame.user),
  );
  const unnamed = expect.stringMatching(/^thread \d+$/);
  expect(waiting?.map(({ name }) => name).toSorted()).toEqual(['Thread-3 (wait)', unnamed, unnamed]);
});

/** Threads in native code: the one with which grpc waits for answers, and one that works. */
const native = `
import functools, threading
def main():
    leave = threading.Lock()
    leave.acquire()
    for name, module in (("_poll_wrapper", "grpc._cython.cygrpc"), ("work", "library")):
        target = functools.partial(leave.acquire)
        target.__name__, target.__module__ = name, module
        threading.Thread(target=target, name=name).start()
    print("started", flush=True)
    leave.acquire()
`;

it('a thread in which grpc waits for answers is idle, and other native code is not', async () => {
  const runner = lab.start(native);
  await runner.line(/^started/);
  const threads = await runner.handle.stacks();
  const idle = new Map(threads?.map((thread) => [thread.name, thread.idle]));
  expect([idle.get('_poll_wrapper'), idle.get('work')]).toEqual([true, false]);
});
