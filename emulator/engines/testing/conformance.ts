import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine, RunnerAddress, RunnerSpec } from '../engine.ts';
import { passOf } from '../pass.ts';
import { type Watched, watch, watchCommand } from './watch.ts';

/** An engine under test, and what its runners run. */
export interface EngineBed {
  readonly engine: Engine;
  /** A spec that runs this function of apps.py; `rest` overrides its fields. */
  spec(entry: string, rest?: Partial<RunnerSpec>): RunnerSpec;
  /** Creates a file with these bytes where the engine finds it. */
  file(bytes: string): string;
  /** Processes, servers and folders of runners that still exist, as texts. */
  left(): readonly string[] | Promise<readonly string[]>;
  /** Removes what the bed itself created. */
  remove(): void;
}

/** How long runners may take to end, and then all that they have left, on a busy machine. */
const maxEndMs = 60_000;
const maxGoneMs = 20_000;

/** By their titles: the laws that have no meaning for an engine, and why. */
export type LeftOut = { readonly [law: string]: string };

/** What every engine promises to the fleet (engine.ts). */
export function describeEngine(name: string, open: () => EngineBed, leftOut: LeftOut = {}): void {
  let bed: EngineBed;
  const laws = new Set<string>();
  function law(title: string, test: () => Promise<void>): void {
    laws.add(title);
    it.skipIf(title in leftOut)(title in leftOut ? `${title} (left out: ${leftOut[title]})` : title, test);
  }
  const started: Watched[] = [];
  function start(entry: string, rest: Partial<RunnerSpec> = {}): Watched {
    const runner = watch(bed.engine, bed.spec(entry, rest));
    started.push(runner);
    return runner;
  }
  beforeAll(() => {
    bed = open();
  });
  afterEach(async () => {
    for (const { handle, exited } of started.splice(0)) {
      handle.kill();
      await exited;
      await handle.dispose();
    }
    // The helper of a command reports its end just before its own.
    await nothingIsLeft(bed);
  }, maxEndMs);
  afterAll(async () => {
    await bed.engine.close();
    bed.remove();
  }, maxEndMs);

  describe(`${name}: a runner that serves`, () => {
    law('reports its start, then the address at which it answers', async () => {
      const runner = start('serve');
      expect(await ask(await runner.ready, '/hello')).toBe('/hello');
      expect(runner.order.filter((event) => event !== 'pulling')).toEqual(['started', 'ready']);
      expect(runner.order.lastIndexOf('pulling')).toBeLessThan(runner.order.indexOf('started'));
    });

    law('has an address of its own, whatever port its app declares', async () => {
      const [one, two] = [start('serve', { declaredPort: 8080 }), start('serve', { declaredPort: 8080 })];
      const [first, second] = [await one.ready, await two.ready];
      expect(`${first?.host}:${first?.port}`).not.toBe(`${second?.host}:${second?.port}`);
      expect(await Promise.all([ask(first, '/one'), ask(second, '/two')])).toEqual(['/one', '/two']);
    });

    law('is ready when its health path answers, not before', async () => {
      const health = { path: '/health', method: 'GET', timeoutSeconds: 5 } as const;
      const runner = start('serve', { health, env: { UNHEALTHY: '3' } });
      expect(Number(await ask(await runner.ready, '/checks'))).toBe(4);
    });

    law('is healthy while it serves, and not before or after', async () => {
      const runner = start('serve');
      const { handle } = runner;
      expect([await handle.probe(5), await handle.checkTcp()]).toEqual([false, false]);
      await runner.ready;
      expect([await handle.probe(5), await handle.checkTcp()]).toEqual([true, true]);
      handle.kill();
      await runner.exited;
      expect([await handle.probe(5), await handle.checkTcp()]).toEqual([false, false]);
    });

    law('reports its lines with their stream, and all earlier ones before flushLines resolves', async () => {
      const runner = start('serve');
      const address = await runner.ready;
      for (const round of [1, 2, 3]) {
        await ask(address, `/print/${round}`);
        await runner.handle.flushLines();
        const own = runner.lines.filter(({ text }) => text.endsWith(`/print/${round}`));
        expect(own).toHaveLength(2);
        expect(own).toContainEqual(expect.objectContaining({ stream: 'stdout', text: `printed /print/${round}` }));
        expect(own).toContainEqual(expect.objectContaining({ stream: 'stderr', text: `warned /print/${round}` }));
      }
    });

    law('reports its lines with their request', async () => {
      const runner = start('serve');
      await ask(await runner.ready, '/print/1', { 'x-fal-request-id': 'request-1' });
      await runner.handle.flushLines();
      const own = runner.lines.filter(({ text }) => text.endsWith('/print/1'));
      const about = { requestId: 'request-1', endpoint: '/print/1' };
      expect(own).toEqual([expect.objectContaining(about), expect.objectContaining(about)]);
    });
  });

  describe(`${name}: the end of a runner`, () => {
    law('by SIGTERM lets it finish first', async () => {
      const runner = start('serve_and_finish');
      await runner.ready;
      runner.handle.terminate();
      runner.handle.terminate();
      expect(await runner.exited).toMatchObject({ code: 0, signal: null });
      expect(runner.lines.at(-1)?.text).toBe('finished');
    });

    law('by SIGTERM is that of a program without a handler for it', async () => {
      const runner = start('serve');
      await runner.ready;
      runner.handle.terminate();
      const { signal, reason } = await runner.exited;
      expect([signal, reason]).toEqual(['SIGTERM', expect.not.stringContaining('died with')]);
    });

    law('by SIGKILL comes also to one that ignores SIGTERM; its port is closed by then', async () => {
      const runner = start('serve_deaf');
      const address = await runner.ready;
      runner.handle.terminate();
      expect(await ask(address, '/still')).toBe('/still');
      runner.handle.kill();
      runner.handle.kill();
      const { signal, reason } = await runner.exited;
      expect([signal, reason]).toEqual(['SIGKILL', expect.not.stringContaining('died with')]);
      expect(await isOpen(address)).toBe(false);
    });

    law('is reported for a runner that was ended before it began, and for one in its setup', async () => {
      const early = start('serve');
      early.handle.kill();
      await early.exited;
      expect(early.order).not.toContain('ready');
      const hanging = start('hang');
      await hanging.line(/hangs/);
      hanging.handle.kill();
      expect(await hanging.exited).toMatchObject({ signal: 'SIGKILL' });
    });

    law('on its own names the exit code', async () => {
      const runner = start('serve');
      await ask(await runner.ready, '/exit/3').catch(() => undefined);
      const { code, signal, reason } = await runner.exited;
      expect([code, signal, reason]).toEqual([3, null, expect.stringContaining('code 3')]);
    });

    law('in its setup names the exception, after all its lines', async () => {
      const runner = start('fail');
      const { code, reason } = await runner.exited;
      expect([code, reason]).toEqual([1, expect.stringContaining('RuntimeError: no weights')]);
      expect(runner.lines[0]?.text).toBe('begins');
      expect(runner.lines.at(-1)?.text).toBe('RuntimeError: no weights');
      expect(runner.order).not.toContain('ready');
    });

    for (const entry of ['die', 'serve']) {
      law(`by an unrequested kill (${entry}) is reported as a lack of memory`, async () => {
        const runner = start(entry);
        if (entry === 'serve') await ask(await runner.ready, '/die').catch(() => undefined);
        const { code, signal, reason } = await runner.exited;
        expect([code, signal]).toEqual([null, 'SIGKILL']);
        expect(reason).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
      });
    }

    law('is reported once, and last, whatever is requested afterwards', async () => {
      const runner = start('serve');
      await runner.ready;
      runner.handle.kill();
      await runner.exited;
      const before = [...runner.order];
      runner.handle.terminate();
      runner.handle.kill();
      runner.handle.call();
      await runner.handle.flushLines();
      await runner.handle.dispose();
      expect([before.at(-1), before.filter((event) => event === 'exited').length]).toEqual(['exited', 1]);
      expect(runner.order).toEqual(before);
    });
  });

  describe(`${name}: a change of code`, () => {
    const change = { delta: Buffer.from('x'), patienceSeconds: 1 };

    law('is refused by a runner that is not ready, is of another kind, or has ended', async () => {
      const runner = start('serve', { development: true });
      expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'not_ready' });
      await runner.ready;
      expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'unsupported' });
      expect(await runner.handle.probe(5)).toBe(true);
      runner.handle.kill();
      await runner.exited;
      expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'runner_ended' });
    });

    law('is refused by a runner that is not for development', async () => {
      const runner = start('serve');
      await runner.ready;
      expect(await runner.handle.swap(change)).toMatchObject({ ok: false, code: 'unsupported' });
    });
  });

  describe(`${name}: a function`, () => {
    law('waits for its call, and returns its value in a file until it is disposed of', async () => {
      const runner = start('value', { mode: 'call' });
      expect(await runner.ready).toBeNull();
      await runner.handle.flushLines();
      expect(runner.lines).toEqual([]);
      runner.handle.call();
      const result = await runner.result;
      expect(await runner.exited).toMatchObject({ code: 0 });
      expect(result).toMatchObject({ kind: 'value', method: 'pickle', raised: false });
      const file = result.kind === 'value' ? result.file : '';
      expect(existsSync(file) && readFileSync(file).includes('the value')).toBe(true);
      expect(runner.lines.map(({ text }) => text)).toEqual(['called']);
      expect(runner.order.filter((event) => event !== 'pulling')).toEqual(['started', 'ready', 'result', 'exited']);
    });

    law('that raises returns the exception', async () => {
      const runner = start('warn', { mode: 'call' });
      await runner.ready;
      runner.handle.call();
      const raised = { raised: true, exceptionType: 'ValueError', exceptionMessage: 'bad input' };
      expect(await runner.result).toMatchObject(raised);
      await runner.exited;
    });

    law('that cannot be loaded is refused with a sentence', async () => {
      const callable = { kind: 'pickle', method: 'pickle', file: bed.file('rubbish') } as const;
      const runner = start('value', { mode: 'call', callable });
      expect(await runner.result).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/deserialized/) });
      await runner.exited;
    });
  });

  describe(`${name}: a command in a runner`, () => {
    law('returns its output and its exit code, also if it was started early', async () => {
      const { handle } = start('serve');
      const echo = watchCommand(handle, ['echo', 'hello', 'you']);
      expect([await echo.exit, echo.seen]).toMatchObject([0, { out: 'hello you\n', err: '' }]);
      const no = watchCommand(handle, ['false']);
      expect([await no.exit, no.withRunner]).toEqual([1, [undefined]]);
      const wrong = watchCommand(handle, ['ls', '/no/such/folder']);
      expect(await wrong.exit).toBeGreaterThan(0);
      expect([wrong.seen.out, wrong.seen.err]).toEqual(['', expect.stringContaining('/no/such/folder')]);
      expect(await watchCommand(handle, ['no-such-command']).exit).toBe(127);
    });

    law('gets its input until the input is closed', async () => {
      const runner = start('serve');
      await runner.ready;
      const cat = watchCommand(runner.handle, ['cat']);
      cat.type('one ');
      await cat.shows('one ');
      cat.type('two');
      cat.session.closeInput();
      expect([await cat.exit, cat.seen.out]).toEqual([0, 'one two']);
    });

    law('has a terminal of the requested size, and a shell if no command was specified', async () => {
      const runner = start('serve');
      await runner.ready;
      const size = watchCommand(runner.handle, ['stty', 'size'], { tty: true, size: { rows: 33, columns: 44 } });
      expect([await size.exit, size.seen.out]).toEqual([0, '33 44\r\n']);
      const shell = watchCommand(runner.handle, null, { tty: true });
      shell.type('exit 3\n');
      expect(await shell.exit).toBe(3);
    });

    law('ends by kill, and with its runner; its session then does nothing', async () => {
      const runner = start('serve');
      await runner.ready;
      const killed = watchCommand(runner.handle, ['sleep', '1000']);
      killed.session.kill();
      killed.session.kill();
      expect(await killed.exit).toBe(137);
      const other = watchCommand(runner.handle, ['sleep', '1000']);
      runner.handle.kill();
      expect([await other.exit, other.withRunner]).toEqual([137, [true]]);
      await runner.exited;
      const late = watchCommand(runner.handle, ['echo', 'late']);
      expect([await late.exit, late.seen.out]).toEqual([137, '']);
      for (const { session } of [killed, other, late]) {
        session.write(Buffer.from('x'));
        session.closeInput();
        session.resize({ rows: 1, columns: 1 });
        session.kill();
      }
      expect([killed, other, late].map(({ withRunner }) => withRunner.length)).toEqual([1, 1, 1]);
    });
  });

  describe(`${name}: the engine`, () => {
    law('ends running runners when it closes, reports that, and starts nothing afterwards', async () => {
      const own = open();
      try {
        own.engine.warm(own.spec('serve').environment);
        const runners = ['serve', 'serve_deaf', 'hang'].map((entry) => watch(own.engine, own.spec(entry)));
        const address = await runners[0]?.ready;
        const command = runners[0] && watchCommand(runners[0].handle, ['sleep', '1000']);
        await own.engine.close();
        for (const { exited, order } of runners) {
          expect((await exited).reason).not.toBe('');
          expect(order.at(-1)).toBe('exited');
        }
        expect(await command?.exit).toBe(137);
        expect(await isOpen(address ?? null)).toBe(false);
        const late = watch(own.engine, own.spec('serve'));
        expect((await late.exited).reason).toMatch(/engine is closed/);
        expect(late.order).toEqual(['exited']);
        expect(await watchCommand(late.handle, ['echo', 'late']).exit).toBe(137);
        for (const { handle } of [...runners, late]) await handle.dispose();
        await nothingIsLeft(own);
      } finally {
        await own.engine.close();
        own.remove();
      }
    });
  });

  it('only laws that there are can be left out', () => {
    expect(Object.keys(leftOut).filter((title) => !laws.has(title))).toEqual([]);
  });
}

async function nothingIsLeft(bed: EngineBed): Promise<void> {
  await vi.waitFor(async () => expect(await bed.left()).toEqual([]), { timeout: maxGoneMs });
}

async function ask(address: RunnerAddress | null, path: string, headers: Record<string, string> = {}): Promise<string> {
  if (address === null) throw new Error('It has no address.');
  const pass = Object.fromEntries(passOf(address));
  return (await fetch(`http://${address.host}:${address.port}${path}`, { headers: { ...pass, ...headers } })).text();
}

function isOpen(address: RunnerAddress | null): Promise<boolean> {
  if (address === null) throw new Error('It has no address.');
  return new Promise((resolve) => {
    const socket = connect(address.port, address.host);
    const resolveWith = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', resolveWith(true)).once('error', resolveWith(false));
  });
}
