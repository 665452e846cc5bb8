import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/** Runs each case: what it leaves running or suspended, and whether `quiet.py` finds it, while it lasts and after. */
const program = `
import asyncio, contextlib, gc, json, sys, threading, types
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside.swap.quiet import Quiet

class Hold:
    requests = {}

found = {}
def look(name, *functions, shared=()):
    found.setdefault(name, []).append(Quiet(list(functions), Hold, list(shared)).running())

def generate():
    yield 1
    yield 2
generator = generate()
look("a generator that has not begun", generate)
next(generator)
look("a suspended generator", generate)
look("another function's generator", look)
generator.close()
look("a suspended generator", generate)

frozen = generate()
next(frozen)
gc.freeze()
look("a suspended generator that the app has frozen", generate)
look("frozen again", generate)
gc.unfreeze()
frozen.close()

def outer():
    return (number for number in range(3))
inner = outer()
next(inner)
look("a generator inside a function", outer)

async def wait(event):
    await event.wait()
async def agenerate():
    yield 1
    yield 2
async def main():
    event = asyncio.Event()
    coroutine = wait(event)
    look("a coroutine that has not begun", wait)
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    look("a suspended coroutine", wait)
    event.set()
    await task
    look("a suspended coroutine", wait)
    async for _ in (values := agenerate()):
        look("a suspended asynchronous generator", agenerate)
        break
    await values.aclose()
    look("a suspended asynchronous generator", agenerate)
asyncio.run(main())

def block(entered, leave):
    entered.set()
    leave.wait()
def around(entered, leave):
    block(entered, leave)
entered, leave = threading.Event(), threading.Event()
thread = threading.Thread(target=around, args=(entered, leave), name="worker")
thread.start()
entered.wait()
look("a thread", block)
look("a thread that is deeper", around)
leave.set()
thread.join()
look("a thread", block)

class App:
    def main(self): pass
    def other(self): pass
    def provide_hints(self): pass
def health(): pass
health = types.FunctionType(health.__code__, {"__name__": "fal.app"})
app = App()
def request(name, endpoint, **rest):
    Hold.requests = {1: {"path": "/x", **({} if endpoint is None else {"endpoint": endpoint})}}
    look(name, App.main, **rest)
    Hold.requests = {}
request("a request without an endpoint", None)
request("a request to an affected endpoint", app.main)
request("a request to another endpoint", app.other)
request("a request to the SDK's own endpoint", health)
request("a request to anything that can be called", object())
request("a request while hints change", app.other, shared=[App.main])
print(json.dumps(found))
`;

describe('code that still runs', () => {
  let found: Record<string, (string | null)[]>;
  beforeAll(() => {
    found = JSON.parse(execFileSync('python3', ['-c', program, runnerSources]).toString());
  });

  const request = 'a request to /x is still running';
  it.each([
    ['a generator that has not begun', ['generate is suspended']],
    ['a suspended generator', ['generate is suspended', null]],
    ['a suspended generator that the app has frozen', ['generate is suspended']],
    ['frozen again', ['generate is suspended']],
    ["another function's generator", ['look is still running in the thread MainThread']],
    ['a generator inside a function', [expect.stringMatching(/<genexpr> is suspended/)]],
    ['a coroutine that has not begun', ['wait is suspended']],
    ['a suspended coroutine', ['wait is suspended', null]],
    ['a suspended asynchronous generator', ['agenerate is suspended', null]],
    ['a thread', ['block is still running in the thread worker', null]],
    ['a thread that is deeper', ['around is still running in the thread worker']],
    ['a request without an endpoint', [request]],
    ['a request to an affected endpoint', [request]],
    ['a request to another endpoint', [null]],
    ["a request to the SDK's own endpoint", [request]],
    ['a request to anything that can be called', [request]],
    ['a request while hints change', [request]],
  ])('is found: %s', (name, answers) => {
    expect(found[name]).toEqual(answers);
  });
});
