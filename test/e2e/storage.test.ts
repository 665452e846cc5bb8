import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, {});
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

const files = async (...args: string[]) => (await project.mustFal('files', ...args)).trim();

describe('the real `fal files` command', () => {
  it('uploads, lists, downloads, moves and removes, folders and files of many parts', {
    timeout: 120_000,
  }, async () => {
    const large = Buffer.alloc(25 * 1024 * 1024 + 3, 'large');
    await mkdir(join(project.folder, 'dir', 'sub'), { recursive: true });
    await writeFile(join(project.folder, 'dir', 'one'), '1');
    await writeFile(join(project.folder, 'dir', 'sub', 'two'), '2');
    await writeFile(join(project.folder, 'large'), large);

    await files('upload', 'dir', '/data/dir');
    await files('upload', 'large', 'dir/large');
    expect(await files('list', '/data/dir')).toBe('large\none\nsub');
    expect((await readFile(join(emulator.dataDir, 'data', 'dir', 'large'))).equals(large)).toBe(true);

    await files('mv', '/data/dir/one', '/data/new/uno');
    expect(await files('list', 'new')).toBe('uno');
    await files('download', '/data/dir', 'back');
    expect((await readFile(join(project.folder, 'back', 'large'))).equals(large)).toBe(true);
    expect(await readFile(join(project.folder, 'back', 'sub', 'two'), 'utf8')).toBe('2');

    await files('rm', '/data/dir');
    expect(await files('list', '/data')).toBe('new');
    expect(await files('list')).toBe('data');
  });

  it('shows the reason of a refusal', async () => {
    const { code, stdout, stderr } = await project.fal('files', 'rm', '/data/none');
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('There is no such file or directory.');
    const url = await project.fal('files', 'upload-url', `https://${emulator.variables.FAL_REST_HOST}/`, '/data/x');
    expect(url.stdout + url.stderr).toContain('not on the public internet');
  });
});

/** The built-in hosts of fal_client, replaced as in upstream's own unit test (docs/platform/gateway.md#clients). */
const moved = `
import json, os, httpx, fal_client, fal_client.client as client
client.REST_URL = client.CDN_URL = "https://" + os.environ["FAL_REST_HOST"]
`;

describe('fal_client', () => {
  it('uploads whole and in parts, through the CDN and the storage, and the files can be read', async () => {
    const program = `${moved}
content = os.urandom(11 * 1024 * 1024)
small = fal_client.upload(b"small", "text/x-own", file_name="a b.txt")
gcs = fal_client.upload(b"gcs", "text/plain", repository="fal")
client.MULTIPART_THRESHOLD = 1024 * 1024
large = fal_client.upload(content, "application/x-large")
closed = fal_client.upload(b"x", "text/plain", lifecycle=client.StorageSettings(
    expires_in="1h", initial_acl=client.StorageACL(default="forbid")))
read = httpx.get(small)
print(json.dumps([read.text, read.headers["content-type"], httpx.get(gcs).text,
                  httpx.get(large).content == content, httpx.get(closed).status_code]))
`;
    expect(await project.pythonJson(program)).toEqual(['small', 'text/x-own', 'gcs', true, 403]);
  });
});
