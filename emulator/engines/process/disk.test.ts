import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { ownDisk } from './testing/own-disk.ts';
import { childrenOf } from './testing/processes.ts';
import { plainPython, runnerSources, specFor } from './testing/runners.ts';

let disk: ReturnType<typeof ownDisk>;
let { work, engine, limits, data, home, dataFolder, run } = {} as typeof disk;

function setUp(): void {
  disk = ownDisk();
  ({ work, engine, limits, data, home, dataFolder, run } = disk);
}
const tearDown = () => disk.close();

/** Folders that this machine may refuse to an ordinary user, such as one with mounts below it, are tested elsewhere. */
function missing(): readonly string[] {
  return engine
    .missing()
    .map(({ part }) => part)
    .filter((part) => part !== 'writes');
}

const places = [
  '/tmp',
  '/var/tmp',
  '~',
  '~/.cache',
  '/opt',
  '/var/lib',
  '/var/cache',
  '/usr/local/lib',
  '/srv',
  '/weights',
];
const writer = `
import json, os
def main():
    found = {}
    for place in ${JSON.stringify(places)}:
        folder = os.path.expanduser(place)
        os.makedirs(folder, exist_ok=True)
        found[place] = [name for name in os.listdir(folder) if name.startswith("minifal-mark")]
        with open(os.path.join(folder, "minifal-mark"), "w") as file: file.write("x" * 10000)
        assert os.path.getsize(os.path.join(folder, "minifal-mark")) == 10000
    for place in ("/data", "/app"):
        with open(place + "/kept", "a") as file: file.write(os.environ["NAME"])
    print(json.dumps(found))
`;
const nothing = Object.fromEntries(places.map((place) => [place, []]));

/** `null`: only root may inspect a supervisor. */
function descriptorsOf(pid: number): number | null {
  if (pid !== process.pid && process.getuid?.() !== 0) return null;
  return readdirSync(`/proc/${pid}/fd`).length;
}

describe('a disk of its own', () => {
  beforeAll(() => setUp());
  afterAll(tearDown);

  it('receives everything that a runner writes, and neither the machine nor the next runner sees it', async () => {
    const first = await run(writer, { env: { NAME: 'one ' } });
    expect(missing()).toEqual([]);
    const second = await run(writer, { env: { NAME: 'two ' } });
    expect([first.output, second.output]).toEqual([[nothing], [nothing]]);
    const onMachine = places.map((place) => join(place.replace('~', home), 'minifal-mark'));
    expect(onMachine.filter((path) => existsSync(path))).toEqual([]);
    expect(existsSync('/weights')).toBe(false);
    expect(readFileSync(join(data, 'kept'), 'utf8')).toBe('one two ');
    const ofApp = (runner: typeof first.runner) => join(dataFolder, 'runners', runner.handle.runnerId, 'app', 'kept');
    expect(readFileSync(ofApp(first.runner), 'utf8')).toBe('one ');
  });

  it('is removed with the runner', async () => {
    const { runner } = await run(writer, { env: { NAME: 'three ' } });
    await runner.handle.dispose();
    expect(readdirSync(join(dataFolder, 'runners'))).not.toContain(runner.handle.runnerId);
  });

  it("shows neither the user's home nor the data folder", async () => {
    const looks = `
import json, os
def main():
    def read(path):
        try: return open(path).read()
        except OSError as error: return type(error).__name__
    print(json.dumps([
        os.path.expanduser("~"), os.listdir(os.path.expanduser("~")),
        read(${JSON.stringify('@home/diary')}), read(${JSON.stringify('@data/secret.key')}),
        sorted(os.listdir(${JSON.stringify('@data')})), os.listdir("/home"), sorted(os.listdir("/tmp")),
        os.environ.get("TMPDIR"),
    ]))
`;
    const { output } = await run(looks.replaceAll('@home', home).replaceAll('@data', dataFolder));
    // Of the machine's /tmp, only the path to the test's folder and, if it is there, to minifal itself.
    const temporary = [work.root, import.meta.dirname].filter((path) => path.startsWith('/tmp/'));
    const ways = [...new Set(temporary.map((path) => path.split('/')[2]))].sort();
    expect(output).toEqual([
      [home, [], 'FileNotFoundError', 'FileNotFoundError', ['compile-caches', 'runners'], [], ways, null],
    ]);
  });

  it.runIf(process.getuid?.() !== 0)('keeps files hidden from an app that unmounts folders', async () => {
    const uncovers = `
import ctypes, json, os
def main():
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    def look():
        for folder in (${JSON.stringify('@data')}, ${JSON.stringify('@home')}, "/var/tmp", "/tmp", "/usr"):
            found.append(libc.umount2(folder.encode(), 2))
        hidden = (${JSON.stringify('@home/diary')}, ${JSON.stringify('@data/secret.key')})
        found.append([os.path.exists(path) for path in hidden])
    look()
    libc.unshare(0x10000000 | 0x20000)
    look()
    print(json.dumps(found))
`;
    const { output } = await run(uncovers.replaceAll('@home', home).replaceAll('@data', dataFolder));
    const refused = [-1, -1, -1, -1, -1, [false, false]];
    expect(output).toEqual([[...refused, ...refused]]);
  });

  it("has memory, terminals and keys of its own, not those of the user's session", async () => {
    const python = work.file(`#!/usr/bin/env python3
import ctypes, os, sys
keyctl, add = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
libc = ctypes.CDLL(None)
libc.syscall(keyctl, 1, None)
libc.syscall(add, b"user", b"ticket", b"secret", 6, -3)
os.execvp("python3", ["python3", *sys.argv[1:]])
`);
    chmodSync(python, 0o755);
    const uses = `
import ctypes, json, os
def main():
    libc = ctypes.CDLL(None)
    keyctl = 250 if os.uname().machine == "x86_64" else 219
    found = libc.syscall(keyctl, 10, -3, b"user", b"ticket", 0)
    made = libc.shmget(${process.pid}, 4096, 0o1600)
    print(json.dumps([found, made >= 0, os.stat("/dev/pts").st_dev, os.ttyname(os.openpty()[1])]))
`;
    const environment = { ...plainPython, id: 'logged-in', python };
    const { output } = await run(uses, { environment });
    expect(output).toEqual([[-1, true, expect.any(Number), '/dev/pts/0']]);
    expect(output[0][2]).not.toBe(statSync('/dev/pts').dev);
    const left = readFileSync('/proc/sysvipc/shm', 'utf8').split('\n');
    expect(left.filter((line) => line.trim().startsWith(`${process.pid} `))).toEqual([]);
  });

  it('has a home even if a link in a hidden place leads to the user home', async () => {
    const [link, target] = [join(work.root, 'link'), join(import.meta.dirname, '../../../test/.cache/linked-home')];
    mkdirSync(target, { recursive: true });
    onTestFinished(() => rmSync(target, { recursive: true }));
    writeFileSync(join(target, 'diary'), 'private');
    symlinkSync(target, link);
    const looks = `
import json, os
def main():
    with open(os.path.expanduser("~/notes"), "w") as file: file.write("x")
    print(json.dumps([os.path.expanduser("~"), os.listdir(os.path.expanduser("~"))]))
`;
    const linked = createProcessEngine({
      dataDir: dataFolder,
      runnerSources,
      isolation: 'disk',
      hostEnv: { ...process.env, HOME: link },
    });
    const runner = watch(linked, specFor(work, looks, { dataDir: data }));
    await runner.exited;
    await linked.close();
    const printed = runner.lines.map(({ text }) => text).filter((text) => !text.startsWith('minifal: This runner can'));
    expect(printed).toEqual([JSON.stringify([link, ['notes']]).replaceAll(',', ', ')]);
    expect(readdirSync(target)).toEqual(['diary']);
  });

  it('shows nothing but Python if Python is installed in the home itself', async () => {
    const library = execFileSync('python3', [
      '-c',
      'import os; print(os.path.dirname(os.__file__), end="")',
    ]).toString();
    const isLeftOut = (path: string) => ['test', 'site-packages', '__pycache__'].includes(basename(path));
    const copied = join(home, 'lib', basename(library));
    cpSync(library, copied, { recursive: true, filter: (path) => !isLeftOut(path) });
    onTestFinished(() => rmSync(join(home, 'lib'), { recursive: true }));
    const python = work.file(`#!/bin/sh\nPYTHONHOME='${home}' exec python3 "$@"\n`);
    chmodSync(python, 0o755);
    const looks = 'import json, os\ndef main(): print(json.dumps(sorted(os.listdir(os.path.expanduser("~")))))';
    const { output } = await run(looks, { environment: { ...plainPython, id: 'at-home', python } });
    expect(output).toEqual([['lib']]);
  });

  it('keeps what programs compile for the environment, also from an app that clears its caches', async () => {
    const compiles = `
import json, os, shutil
def main():
    kept = os.environ["TRITON_CACHE_DIR"]
    before = os.path.exists(kept)
    os.makedirs(kept, exist_ok=True)
    os.makedirs(os.path.expanduser("~/.cache/models"))
    shutil.rmtree(os.path.expanduser("~/.cache"))
    print(json.dumps([before, os.path.exists(os.path.expanduser("~/.cache"))]))
`;
    expect((await run(compiles)).output).toEqual([[false, false]]);
    expect((await run(compiles)).output).toEqual([[true, false]]);
  });

  it("leaves the machine's programs, devices and name resolution as they are", async () => {
    const uses = `
import json, os, socket, subprocess, sys, multiprocessing
def main():
    lock = multiprocessing.Lock()
    print(json.dumps([
        subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout,
        os.path.exists("/dev/null") and os.path.isdir("/proc/self") and os.path.isdir("/sys/devices"),
        socket.gethostbyname(socket.gethostname()), os.stat("/tmp").st_mode & 0o7777, os.umask(0o077),
        sorted(os.listdir("/dev")), open("/etc/resolv.conf").read() if os.path.exists("/etc/resolv.conf") else "",
    ]))
`;
    const { output } = await run(uses);
    const resolver = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';
    expect(output).toEqual([['1\n', true, '127.0.0.1', 0o1777, process.umask(), readdirSync('/dev').sort(), resolver]]);
  });

  it('is also what a command in the runner sees', async () => {
    const waits =
      'import time\ndef main():\n    open("/tmp/mine", "w").write("of the app")\n' +
      '    print("up", flush=True); time.sleep(1000)';
    const runner = watch(engine, specFor(work, waits, { dataDir: data }));
    await runner.line(/^up$/);
    let seen = '';
    const look = `cat /tmp/mine; ls "$HOME"; cat ${home}/diary || echo none; echo x > "$HOME/typed"; echo "$TMPDIR"`;
    const code = await new Promise((exited) =>
      runner.handle.exec(
        ['sh', '-c', look],
        { tty: false },
        {
          output: (stream, bytes) => (seen += stream === 1 ? Buffer.from(bytes) : ''),
          drained: () => undefined,
          exited,
        },
      ),
    );
    runner.handle.kill();
    await runner.exited;
    expect([code, seen]).toEqual([0, 'of the appnone\n\n']);
    expect(existsSync(join(home, 'typed'))).toBe(false);
  });

  it("has a place for temporary files, though a library looked up the machine's before the runner began", async () => {
    // One that the supervisor imports, as apps' libraries are.
    const packages = join(work.root, 'packages');
    mkdirSync(packages);
    writeFileSync(join(packages, 'fastapi.py'), 'import tempfile\ntempfile.gettempdir()\n');
    const folder = join(home, 'temporary');
    mkdirSync(folder);
    const hostEnv = { ...process.env, HOME: home, TMPDIR: folder };
    const other = createProcessEngine({ dataDir: dataFolder, runnerSources, isolation: 'disk', hostEnv });
    onTestFinished(() => other.close());
    const looks = 'import tempfile\ndef main():\n    print(tempfile.NamedTemporaryFile().name, flush=True)';
    const environment = { ...plainPython, id: 'with-packages', extraPaths: [packages] };
    const runner = watch(other, specFor(work, looks, { dataDir: data, environment }));
    expect((await runner.exited).code).toBe(0);
    expect(runner.lines.map(({ text }) => text)).toEqual([expect.stringMatching(/^\/tmp\/\w+$/)]);
  });

  it.each(['/var/tmp', '/app'])('ends a runner that writes too much to %s, and reports why', async (place) => {
    const small = { max: 4 * 1024 ** 2, spare: 0, large: 0, step: 0 };
    const strict = createProcessEngine({ dataDir: dataFolder, runnerSources, isolation: 'disk', layerLimits: small });
    onTestFinished(() => strict.close());
    const fills = 'import time\ndef main():\n    open("@/large", "wb").write(b"x" * 8_000_000); time.sleep(1000)';
    const runner = watch(strict, specFor(work, fills.replace('@', place), { dataDir: data }));
    const { reason } = await runner.exited;
    expect(reason).toMatch(/^The runner was ended because its own disk held more than .* belongs in \/data\.$/);
    expect(runner.lines.map(({ text }) => text)).toEqual([`minifal: ${reason}`]);
  });

  it('can be read and deleted by its user while the runner is alive', async () => {
    const runner = watch(
      engine,
      specFor(work, 'import time\ndef main(): print("up"); time.sleep(1000)', { dataDir: data }),
    );
    await runner.line(/^up$/);
    const layer = join(dataFolder, 'runners', runner.handle.runnerId, 'layer');
    const modes = globSync(join(layer, '*', 'work.*', '**')).map((path) => lstatSync(path));
    expect(modes.length).toBeGreaterThan(5);
    expect(modes.filter(({ mode }) => (mode & 0o700) !== 0o700)).toEqual([]);
    runner.handle.kill();
    await runner.exited;
  });

  it('leaves no layer, mount, process or descriptor behind', { timeout: 1_200_000 }, async () => {
    const left = () => {
      const supervisors = childrenOf(process.pid);
      return {
        layers: readdirSync(join(dataFolder, 'runners')).filter((name) => name.startsWith('cycle')),
        probes: readdirSync(join(dataFolder, 'runners', '.probe')),
        // Other programs mount, too.
        mounts: readFileSync('/proc/self/mountinfo', 'utf8')
          .split('\n')
          .filter((line) => line.includes(work.root)),
        runners: supervisors.flatMap(childrenOf),
        descriptors: [process.pid, ...supervisors].map((pid) => [pid, descriptorsOf(pid)]),
      };
    };
    await run('def main(): pass');
    const before = left();
    for (let cycle = 0; cycle < (process.env.MINIFAL_SLOW ? 1000 : 10); cycle++) {
      const { runner } = await run('def main(): open("/tmp/x", "w").close()', { runnerId: `cycle-${cycle}` });
      await runner.handle.dispose();
    }
    expect(left()).toEqual(before);
    expect([before.layers, before.probes, before.runners]).toEqual([[], [], []]);
  });

  it('keeps the bytecode of imported modules, and nothing else that was written to the environment', async () => {
    const folder = join(dataFolder, 'environments', 'one');
    execFileSync('python3', ['-m', 'venv', '--without-pip', folder]);
    const [packages = ''] = globSync(join(folder, 'lib/python3*/site-packages'));
    writeFileSync(join(packages, 'large_module.py'), 'value = 7');
    const environment = { ...plainPython, id: 'one', python: join(folder, 'bin', 'python') };
    const installs = `
import json, large_module, os
def main():
    folder = os.path.dirname(large_module.__file__)
    with open(folder + "/installed.py", "w") as file: file.write("value = 8")
    with open(large_module.__file__, "a") as file: file.write("; value = 9")
    import installed
    print(json.dumps([large_module.value, installed.value]))
`;
    const { output, runner } = await run(installs, { environment });
    expect(output).toEqual([[7, 8]]);
    await runner.handle.dispose();
    const compiled = () => globSync(join(packages, '__pycache__', '*.pyc')).map((path) => basename(path).split('.')[0]);
    await expect.poll(compiled, { timeout: 20_000 }).toEqual(['large_module']);
    expect(readFileSync(join(packages, 'large_module.py'), 'utf8')).toBe('value = 7');
    expect(existsSync(join(packages, 'installed.py'))).toBe(false);
  });

  it('is missing where namespaces are forbidden, which the runner and the engine report', async () => {
    const python = work.file(`#!/bin/sh
exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces
exec setpriv --bounding-set=-all --inh-caps=-all python3 "$@"' sh "$@"
`);
    chmodSync(python, 0o755);
    const { runner } = await run('def main(): pass', { environment: { ...plainPython, id: 'forbidden', python } });
    expect(runner.lines[0]?.text).toMatch(
      /^minifal: .*shown to this runner \(.+\)\. .*It has no disk of its own either\.$/,
    );
    expect(missing()).toEqual(['folders', 'disk']);
    expect(limits.filter((sentence) => !/^Runners can't have private copies/.test(sentence))).toEqual([
      expect.stringMatching(/^Runners can't have their own \/data and \/app .*To allow it: /),
      expect.stringMatching(/^Runners can't have their own disk .*To allow it: /),
    ]);
  });
});
