import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { createQueue } from './queue.ts';
import { openTestStore } from './testing/requests.ts';

const kills = process.env.MINIFAL_SLOW === '1' ? 200 : 10;

/**
 * Starts the child on `file`, kills it some microseconds after its first `lines` promises, and returns all its
 * promises.
 */
async function killedChild(file: string, run: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [
    '--no-warnings',
    join(import.meta.dirname, 'testing', 'crash-child.ts'),
    file,
    run,
  ]);
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
  expect(errors).toBe('');
  expect(signal).toBe('SIGKILL');
  return output.split('\n').slice(0, -1);
}

describe('the queue under kill -9', () => {
  it('keeps every request that it acknowledged, completed exactly once', { timeout: 600_000 }, async () => {
    const file = join(testFolder(), 'minifal.db');
    const submitted = new Set<string>();
    const completed = new Set<string>();
    for (let run = 0; run < kills; run++) {
      for (const line of await killedChild(file, `run${run}`, 1 + ((run * 37) % 200))) {
        const [word = '', id = ''] = line.split(' ');
        const promises = word === 'submitted' ? submitted : completed;
        expect(promises.has(id), `${line} was promised twice`).toBe(false);
        promises.add(id);
      }
      const store = openTestStore(file);
      const queue = createQueue({ store, clock: () => 0 });
      expect(store.notices()).toEqual([]);
      const unfinished = [...queue.unfinished()];
      const waiting = new Set(unfinished.map(({ request }) => request.id));
      expect(waiting.size).toBe(unfinished.length);
      for (const id of submitted) {
        const phase = queue.record(id)?.phase;
        expect(phase, id).toBe(waiting.has(id) ? 'IN_QUEUE' : 'COMPLETED');
        if (completed.has(id)) expect(phase, id).toBe('COMPLETED');
        if (phase === 'COMPLETED') {
          const result = queue.result(id);
          expect(result?.kind === 'response' && Buffer.from(result.response.body).toString()).toBe(`result of ${id}`);
        } else {
          expect(Buffer.from(queue.submitted(id)?.body ?? [])).toEqual(Buffer.alloc(3_000, id));
        }
      }
      await queue.close();
      store.close();
    }
    expect(submitted.size).toBeGreaterThan(kills);
    expect(completed.size).toBeGreaterThan(0);
  });
});
