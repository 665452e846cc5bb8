import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const program = `
import { spawnSync } from 'node:child_process';
import { closeInherited } from '${import.meta.dirname}/inherited.ts';
const open = () => spawnSync('sh', ['-c', 'for fd in /proc/$$/fd/*; do readlink $fd; done']).stdout.toString();
const before = open();
closeInherited();
console.log(JSON.stringify([before, open()]));
`;

describe.runIf(process.platform === 'linux')('closeInherited', () => {
  it('keeps what a shell left open from the programs that we start, and leaves Node its own', async () => {
    const node = [process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)('bash', ['-c', 'exec 88</etc/hostname; exec "$@"', 'bash', ...node]);
    const [before, after] = JSON.parse(stdout);
    expect(before).toContain('/etc/hostname');
    expect(after).not.toContain('/etc/hostname');
  });
});
