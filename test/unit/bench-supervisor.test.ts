import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../support/root.ts';

it.each(['line', 'sweep'])(
  'the bench of the supervisor measures a %s with the runner program as it is',
  async (what) => {
    const { stdout } = await promisify(execFile)('python3', [join(root, 'test/bench/supervisor.py'), what, '3']);
    expect(Number(stdout)).toBeGreaterThan(0);
  },
);
