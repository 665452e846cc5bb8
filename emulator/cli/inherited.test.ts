import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
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

  it('leaves the file of further certificates to the thread of Node that reads it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minifal-inherited-'));
    const file = join(folder, 'ca.pem');
    await writeFile(file, Array<string>(20).fill(rootCertificates.join('\n')).join('\n'));
    const counting = `
      import { getCACertificates } from 'node:tls';
      import { closeInherited } from '${import.meta.dirname}/inherited.ts';
      closeInherited();
      console.log(getCACertificates('extra').length);
    `;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file };
    const args = ['--input-type=module', '-e', counting];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env });
    await rm(folder, { recursive: true });
    expect([Number(stdout) > 100, stderr]).toEqual([true, '']);
  });
});
