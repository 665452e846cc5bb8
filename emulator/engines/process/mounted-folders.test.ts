import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownDisk } from './testing/own-disk.ts';
import { plainPython } from './testing/runners.ts';

/**
 * Python for an ordinary user of a machine with these folders and mounts in /srv, and one in /var: the kernel refuses
 * such a user an overlay of the whole folder. The mounts are in a namespace, so that the machine has none of them.
 */
const machine = `#!/bin/sh
exec unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none /srv
mkdir -p /srv/running/merged /srv/running/other /srv/models /srv/private
echo machine > /srv/models/file; echo machine > /srv/running/file; echo machine > /srv/running/other/file
ln -s models/file /srv/link
mount -t tmpfs none /srv/running/merged; echo mounted > /srv/running/merged/file
mount -t tmpfs none /var/cache
exec unshare --user --map-user=1000 --map-group=1000 python3 "$@"' sh "$@"
`;

describe('a folder of the machine below which something is mounted', () => {
  let disk: ReturnType<typeof ownDisk>;
  beforeAll(() => {
    disk = ownDisk();
  });
  afterAll(() => disk.close());

  it('is a copy of its own for the runner of an ordinary user, too, but for what is mounted', async () => {
    const python = disk.work.file(machine);
    chmodSync(python, 0o755);
    const writes = `
import json, os
def main():
    def read(path): return open(path).read().strip()
    def write(path):
        try: open(path, "w").write("changed")
        except OSError as error: return os.strerror(error.errno)
        return read(path)
    before = [read("/srv/" + path) for path in ("link", "running/file", "running/other/file", "running/merged/file")]
    new = ("srv/new", "srv/running/new", "srv/running/other/new", "srv/models/file", "var/new", "var/lib/new")
    written = [write("/" + path) for path in new]
    os.unlink("/srv/running/other/file")
    print(json.dumps([before, written, write("/srv/running/merged/file"), sorted(os.listdir("/srv/running/other"))]))
`;
    const order = { environment: { ...plainPython, id: 'mounted', python } };
    const expected = [
      ['machine', 'machine', 'machine', 'mounted'],
      Array(6).fill('changed'),
      'Read-only file system',
      ['new'],
    ];
    expect((await disk.run(writes, order)).output).toEqual([expected]);
    expect((await disk.run(writes, order)).output).toEqual([expected]);
    expect(disk.engine.missing()).toEqual([]);
  });
});
