import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { zipOf } from '../../../storage/testing/zip.ts';
import { restServer } from '../testing/rest.ts';

const requests = Number(process.env.MINIFAL_RACES ?? (process.env.MINIFAL_SLOW ? 13_000 : 800));

/**
 * What an app may do in /data at any moment, as fast as it can: `x` is a directory, then a link to another place; so is
 * a file in `y`. It ends with its standard input, and automatically after five minutes.
 */
const swapper = `
import { renameSync } from 'node:fs';
process.stdin.resume().on('end', () => process.exit());
const swap = (a, b) => { renameSync(a, a + '~'); renameSync(b, a); renameSync(a + '~', b); };
const until = Date.now() + 300_000;
const turn = () => {
  for (let n = 0; n < 200; n++) {
    try { swap('x', '.x'); } catch {}
    try { swap('y/file', 'y/.file'); } catch {}
    try { swap('z/deep/d', 'z/deep/.d'); } catch {}
  }
  if (Date.now() < until) setImmediate(turn);
};
process.stdout.write('ready');
turn();
`;

describe('/data while an app replaces directories and files with links to the outside', () => {
  it('reveals nothing from outside, changes nothing there, and never fails', { timeout: 280_000 }, async () => {
    const server = await restServer();
    const folder = dirname(server.store.file);
    const root = join(folder, 'data');
    const outside = join(folder, 'outside');
    for (const made of ['x', 'y', 'z/deep/d']) mkdirSync(join(root, made), { recursive: true });
    mkdirSync(join(outside, 'sub'), { recursive: true });
    for (const file of ['x/secret', 'y/file', 'z/deep/d/secret']) writeFileSync(join(root, file), 'inside');
    for (const file of ['secret', 'sub/secret', '.fal_hash']) writeFileSync(join(outside, file), 'outside');
    symlinkSync(outside, join(root, '.x'));
    symlinkSync(join(outside, 'secret'), join(root, 'y', '.file'));
    symlinkSync('../../../outside', join(root, 'z', 'deep', '.d'));
    const before = readdirSync(outside, { recursive: true }).toSorted();

    const child = spawn(process.execPath, ['--input-type=module', '-e', swapper], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await vi.waitFor(() => expect(child.stdout.read()?.toString()).toBe('ready'), 10_000);

    const form = (bytes: string | Buffer): FormData => {
      const body = new FormData();
      body.append('file_upload', new Blob([new Uint8Array(Buffer.from(bytes))]), 'name');
      return body;
    };
    const archive = zipOf([
      { name: 'new/file', content: 'put' },
      { name: 'secret', content: 'put' },
    ]);
    const { send, get } = server;
    const actions: readonly (() => ReturnType<typeof get>)[] = [
      () => get('/files/file//data/x/secret'),
      () => get('/files/file//data/y/file'),
      () => get('/files/file//data/z/deep/d/secret'),
      () => get('/files/list//data/x'),
      () => get('/files/list//data/x/sub'),
      () => get('/files/list//data'),
      () => send('POST', '/files/dir/check_hash//data/x', { hash: 'outside' }),
      () => send('POST', '/files/file/local//data/x/secret', form('put')),
      () => send('POST', '/files/file/local//data/x/made/on/the/way', form('put')),
      () => send('POST', '/files/file/local//data/y/file', form('put')),
      () => send('POST', '/files/file/local//data/x?unzip=true', form(archive)),
      () => send('POST', '/files/rename//data/x/secret', { destination: '/data/x/sub/moved' }),
      () => send('POST', '/files/rename//data/z/deep/d/secret', { destination: '/data/x/secret' }),
      () => send('DELETE', '/files/file//data/x/sub'),
      () => send('DELETE', '/files/file//data/z/deep/d/secret'),
      () => send('DELETE', '/files/file//data/x/made'),
      () => send('POST', '/files/file/local//data/z/deep/d/secret', form('put')),
    ];
    const statuses = new Map<number, number>();
    for (let n = 0; n < requests; n += 8) {
      const some = Array.from({ length: 8 }, (_, m) => actions[(n + m) % actions.length]?.());
      for (const answer of await Promise.all(some)) {
        if (!answer) continue;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        expect(answer.text).not.toBe('outside');
      }
    }
    child.stdin.end();
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
    // Both states were seen: otherwise, there was no race.
    expect(statuses.get(200)).toBeGreaterThan(0);
    expect((statuses.get(400) ?? 0) + (statuses.get(404) ?? 0)).toBeGreaterThan(0);
    expect(server.reported).toEqual([]);
    expect(readdirSync(outside, { recursive: true }).toSorted()).toEqual(before);
    for (const file of ['secret', 'sub/secret', '.fal_hash']) {
      expect(readFileSync(join(outside, file), 'utf8')).toBe('outside');
    }
  });
});
