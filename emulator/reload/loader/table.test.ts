import { describe, expect, it } from 'vitest';
import { rowsOf } from './testing/rows.ts';

interface Edit {
  readonly name: string;
  readonly verdict: string;
  readonly reason?: string | { readonly text: string; readonly remedy: string | null };
  /** What a swapped and a restarted runner answered differently: requests, realtime, OpenAPI, teardown. */
  readonly different?: object;
}

async function editsOf(table: string) {
  const [, ...edits] = await rowsOf<Edit>('table.py', table);
  return {
    wrong: edits.filter(({ different }) => different && Object.keys(different).length > 0),
    /** Restarts that don't say what would have been a swap. */
    silent: edits.filter(
      ({ verdict, reason }) =>
        ['restart', 'rebuild'].includes(verdict) && !(typeof reason === 'object' && reason.remedy),
    ),
    swapped: edits.filter(({ verdict }) => verdict === 'swap').length,
    others: edits
      .filter(({ verdict }) => verdict !== 'swap')
      .map(({ name, verdict, reason }) => `${name}: ${verdict}: ${typeof reason === 'object' ? reason.text : reason}`),
  };
}

describe.concurrent('a swapped app answers as a restarted one', { timeout: 30_000_000 }, () => {
  it('after each edit of the table', async () => {
    expect(await editsOf('base')).toEqual({
      wrong: [],
      silent: [],
      swapped: 59,
      others: [
        'constant that setup reads: restart: setup() reaches SETUP_N, which changed',
        'setup body: restart: Demo.setup changed',
        'function that setup calls: restart: setup() reaches load_model, which changed',
        'value that a request stored on self: restart: Demo.heavy changed',
        'base class added: restart: Demo has other bases',
        'class whose instance lives: __init__: restart: setup() reaches Net.__init__, which changed',
        'enum held by live object: restart: setup() reaches Color, which changed',
        'app file: function body: restart: The option files changed',
        'app file: constant: restart: The option files changed',
        'app file: module-level statement: restart: The option files changed',
        "thread's function running: restart: setup() reaches Demo.loop, which changed",
        'function that running thread calls: restart: setup() reaches Demo.tick, which changed',
        "counter's initial value: refused: COUNTER was changed at run time to 4",
        'machine_type: restart: The option machine_type changed',
        'requirement added: rebuild: The environment (requirements, Python or image) changed',
        'getattr in setup: restart: Demo.setup changed',
        'syntax error: failed: invalid syntax',
        'method kept by setup in a list: restart: setup() reaches Demo.first, which changed',
        'function in a partial made by setup: restart: setup() reaches second, which changed',
        'function in a lambda made by setup: restart: setup() reaches third, which changed',
        'slots changed: restart: Made has other slots',
      ],
    });
  });

  it('after edits that other tools get wrong', async () => {
    expect(await editsOf('corpus')).toEqual({
      wrong: [],
      silent: [],
      swapped: 48,
      others: [
        "enum of a module that isn't reloaded: value: refused: Kind.TWO is held by a dict",
        'enum of a module: member that a live class attribute holds: refused: Kind.TWO is held by a dict',
        'IntEnum: member added: refused: Level.LOW is held by a FieldInfo',
        '__init__ of a class with a live instance: restart: setup() reaches Shape.__init__, which changed',
        '__call__ of a live instance: restart: setup() reaches Child.__call__, which changed',
        '__getattr__ of a live instance: restart: setup() reaches Child.__getattr__, which changed',
        'class registered by __init_subclass__: restart: setup() reaches Registered.classes, which changed',
        'slots: restart: WithMeta has other slots',
        'named tuple: field added: restart: setup() reaches Pair.__new__, which changed',
        'named tuple: default: restart: setup() reaches Pair.__new__, which changed',
        'global that setup() makes: restart: setup() reaches prepare, which changed',
        'function that setup() puts into a library: restart: setup() reaches my_dedent, which changed',
        'target of a running thread: restart: setup() reaches Demo.watch, which changed',
        'pydantic: nested model: refused: 1 live instance of Wide',
        'pydantic: subclass: refused: 1 live instance of Wide',
      ],
    });
  });

  it('after edits of what values hide', async () => {
    expect(await editsOf('odd')).toEqual({
      wrong: [],
      silent: [],
      swapped: 29,
      others: [
        'docstring of a tool that setup() has: restart: setup() reaches search, which changed',
        'function in the place of which a request put another: refused: calm was replaced at run time by eager',
        'class in the place of which a request put another: refused: ' +
          'Small.show was replaced at run time by Tall.show',
        'property in a format of setup(): restart: setup() reaches Demo.size, which changed',
      ],
    });
    expect(await editsOf('computed')).toEqual({
      wrong: [],
      silent: [],
      swapped: 0,
      others: [
        'method that setup() calls by a computed name: restart: ' +
          'Demo.setup looks names up at run time, and Demo.load_b changed',
      ],
    });
  });

  it('but for what decorators remember, which is named', async () => {
    const [row] = await rowsOf<{ readonly kept: readonly string[] }>('memories.py');
    expect(row?.kept).toEqual(['memory of remember.<locals>.remembering']);
  });
});
