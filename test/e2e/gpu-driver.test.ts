import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { writeNvidiaSmi } from '../../emulator/local/gpus/testing/fake-nvidia-smi.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

/** Where a container's runtime, or WSL, mounts the driver: somewhere below /usr. Any folder that exists will do. */
const place = '/usr/local/etc';
const ownMounts = 'unshare';
const mounts =
  'mount --make-rprivate / && mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" && shift 2 && exec "$@"';

const source = `
import os
import subprocess

import fal
from pydantic import BaseModel


class Output(BaseModel):
    listing: str
    library: str
    writable: bool
    devices: list[str]


class Look(fal.App, keep_alive=60, max_concurrency=1):
    machine_type = "GPU-H100"

    @fal.endpoint("/")
    def look(self) -> Output:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout
        folder = os.environ["LD_LIBRARY_PATH"]
        with open(folder + "/libcuda.so.1") as file:
            library = file.read()
        with open("/dev/null", "wb") as null:
            null.write(b"devices can be used")
        return Output(listing=listing, library=library, writable=os.access(folder, os.W_OK),
                      devices=sorted(name for name in os.listdir("/dev") if name.startswith("nvidia")))
`;

const canMount = process.platform === 'linux' && spawnSync(ownMounts, ['-m', 'true']).status === 0;

it.skipIf(isMissing(canMount, "a GPU's driver mounted below /usr: mounting takes root"))(
  'a runner sees a driver that is mounted below /usr, its programs and libraries, but cannot change it',
  { timeout: 90_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minifal-driver-'));
    let emulator: Emulator | undefined;
    let project: Project | undefined;
    try {
      const listing = 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa)\n';
      const gpus = '0, GPU-aaaa, NVIDIA H100 80GB HBM3, 81559, Disabled\n';
      writeNvidiaSmi(folder, { 'query-gpu': { stdout: gpus }, '-L': { stdout: listing } });
      await writeFile(join(folder, 'libcuda.so.1'), 'the library');
      emulator = await startEmulator({
        through: [ownMounts, '-m', 'sh', '-c', mounts, 'sh', folder, place],
        env: { PATH: [process.env.PATH, place].join(delimiter), LD_LIBRARY_PATH: place },
      });
      project = await createProject(await pythonTools(), emulator, { 'look.py': source });
      await project.mustFal('deploy', 'look.py::Look', '--app-name', 'look');
      const response = await call(emulator, 'run', `/${await owner(emulator)}/look`, { body: {} });
      const devices = spawnSync('ls', ['/dev'], { encoding: 'utf8' }).stdout.split('\n');
      expect(await response.json()).toEqual({
        listing,
        library: 'the library',
        writable: false,
        devices: devices.filter((name) => name.startsWith('nvidia')).sort(),
      });
    } finally {
      await project?.remove();
      await emulator?.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
