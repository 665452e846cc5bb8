import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../../test/support/wait.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { type Change, createWatcher } from './watcher.ts';

/** A project, watched. */
async function project(options: { readonly polls?: boolean; readonly ignored?: readonly string[] } = {}) {
  const root = join(testFolder(), 'project');
  const file = (name: string) => join(root, name);
  mkdirSync(file('lib'), { recursive: true });
  for (const name of ['app.py', 'lib/helper.py']) writeFileSync(file(name), `# ${name}\n`);
  const changes: Change[] = [];
  const troubles: string[] = [];
  const watcher = createWatcher({
    root,
    ignored: [],
    ...options,
    onChange: (change) => changes.push(change),
    onTrouble: (sentence) => troubles.push(sentence),
  });
  onTestFinished(() => watcher.close());
  // The times of files have fractions of a millisecond: those of this one are before the next.
  const watch = (...names: readonly string[]) => watcher.watch(names.map(file), Date.now() + 1);
  await watch('app.py', 'lib/helper.py');
  const next = () => until('a change is reported', () => changes.shift(), { everyMs: 5, timeoutMs: 10_000 });
  return {
    ...{ root, file, changes, troubles, watcher, watch, next },
    /** That nothing was reported: changes are in order, so a change of a file that is watched comes after it. */
    async onlyThis(name = 'app.py'): Promise<Change> {
      appendFileSync(file(name), '# the last\n');
      const change = await next();
      await sleep(200);
      expect(changes).toEqual([]);
      return change;
    },
  };
}

const changed = (file: string, others = 0): Change => ({ file, kind: 'changed', others });

describe.each([
  ['with events', {}],
  ['by polling', { polls: true }],
])('watched files %s', (_, options) => {
  it('report each save, with the file', async () => {
    const { file, next } = await project(options);
    appendFileSync(file('app.py'), 'x = 1\n');
    expect(await next()).toEqual(changed(file('app.py')));
    appendFileSync(file('lib/helper.py'), 'y = 1\n');
    expect(await next()).toEqual(changed(file('lib/helper.py')));
  });

  it('report an atomic save, again and again, and nothing about its temporary file', async () => {
    const { file, next, onlyThis } = await project(options);
    for (let round = 0; round < 3; round++) {
      writeFileSync(file('.app.py.new'), `round = ${round}\n`);
      renameSync(file('.app.py.new'), file('app.py'));
      expect(await next()).toEqual(changed(file('app.py')));
    }
    expect(await onlyThis()).toEqual(changed(file('app.py')));
  });

  it('report a save that deletes the file first, or empties it, once it is written', async () => {
    const { file, next, onlyThis } = await project(options);
    const save = (text: string) => writeFileSync(file('lib/helper.py'), text);
    unlinkSync(file('lib/helper.py'));
    await sleep(20);
    save('written = 1\n');
    expect(await next()).toEqual(changed(file('lib/helper.py')));
    truncateSync(file('lib/helper.py'));
    await sleep(20);
    save('written = 2\n');
    expect(await next()).toEqual(changed(file('lib/helper.py')));
    expect(await onlyThis()).toEqual(changed(file('app.py')));
  });

  it('report a save that leaves the size and the time as they were', async () => {
    const { file, next } = await project(options);
    const save = (text: string) => {
      writeFileSync(file('app.py'), text);
      utimesSync(file('app.py'), 1, 1);
    };
    save('x = 1\n');
    expect(await next()).toEqual(changed(file('app.py')));
    save('x = 2\n');
    expect(await next()).toEqual(changed(file('app.py')));
  });

  it('report a file that is deleted, and that it is back', async () => {
    const { file, next } = await project(options);
    unlinkSync(file('lib/helper.py'));
    expect(await next()).toEqual({ file: file('lib/helper.py'), kind: 'removed', others: 0 });
    rmSync(file('lib'), { recursive: true });
    mkdirSync(file('lib'));
    writeFileSync(file('lib/helper.py'), 'back = 1\n');
    expect(await next()).toEqual({ file: file('lib/helper.py'), kind: 'added', others: 0 });
    appendFileSync(file('lib/helper.py'), 'more = 1\n');
    expect(await next()).toEqual(changed(file('lib/helper.py')));
  });

  it('report nothing about a touch, a save without a change, and files that are not watched', async () => {
    const { root, file, onlyThis } = await project(options);
    utimesSync(file('app.py'), new Date(), new Date());
    writeFileSync(file('lib/helper.py'), '# lib/helper.py\n');
    writeFileSync(join(root, 'other.py'), 'other = 1\n');
    writeFileSync(file('lib/other.py'), 'other = 1\n');
    await sleep(700);
    expect(await onlyThis()).toEqual(changed(file('app.py')));
  });
});

describe('watched files', () => {
  it('report a checkout of many files once', async () => {
    const { root, file, next, changes, watch } = await project();
    const git = (...args: readonly string[]) => {
      const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main'];
      const { status, stderr } = spawnSync('git', ['-C', root, ...identity, ...args], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    };
    const names = Array.from({ length: 300 }, (_, index) => `lib/module_${index}.py`);
    const write = (text: string) => {
      for (const name of names) writeFileSync(file(name), `${text} = 1\n`);
    };
    write('first');
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'first');
    git('switch', '-qc', 'other');
    write('second');
    git('commit', '-qam', 'second');
    await watch('app.py', ...names);
    git('switch', '-q', 'main');
    expect(await next()).toMatchObject({ kind: 'changed', others: 299 });
    await sleep(300);
    expect(changes).toEqual([]);
  });

  it('wait for git to finish', async () => {
    const { root, file, next, changes } = await project();
    mkdirSync(join(root, '.git'));
    writeFileSync(join(root, '.git', 'index.lock'), '');
    appendFileSync(file('app.py'), 'first = 1\n');
    await sleep(300);
    expect(changes).toEqual([]);
    appendFileSync(file('lib/helper.py'), 'second = 1\n');
    unlinkSync(join(root, '.git', 'index.lock'));
    expect(await next()).toEqual(changed(file('app.py'), 1));
  });

  it.each([-3_600, 3_600])('don’t wait for a git whose lock is %s s from now', async (seconds) => {
    const { root, file, next } = await project();
    const lock = join(root, '.git', 'index.lock');
    mkdirSync(join(root, '.git'));
    writeFileSync(lock, '');
    const then = Date.now() / 1000 + seconds;
    utimesSync(lock, then, then);
    appendFileSync(file('app.py'), 'first = 1\n');
    expect(await next()).toEqual(changed(file('app.py')));
  });

  it('report one change for a stream of writes that pauses, and one for a stream that doesn’t', async () => {
    const { file, next, changes } = await project();
    const stream = setInterval(() => appendFileSync(file('app.py'), 'again = 1\n'), 5);
    onTestFinished(() => clearInterval(stream));
    await next();
    clearInterval(stream);
    await sleep(300);
    expect(changes.length).toBeLessThanOrEqual(1);
  });

  it('can be added, files and folders, and report what was written before they were', async () => {
    const { file, next, watcher, onlyThis } = await project();
    const begin = Date.now();
    await sleep(20);
    writeFileSync(file('lib/new.py'), 'new = 1\n');
    mkdirSync(file('assets/deep'), { recursive: true });
    writeFileSync(file('assets/deep/a.txt'), 'a');
    await watcher.watch(['app.py', 'lib/new.py'].map(file), begin);
    expect(await next()).toEqual(changed(file('lib/new.py')));
    await watcher.watch(['app.py', 'lib/new.py', 'assets'].map(file), Date.now());
    writeFileSync(file('assets/deep/b.txt'), 'b');
    expect(await next()).toEqual({ file: file('assets/deep/b.txt'), kind: 'added', others: 0 });
    mkdirSync(file('assets/__pycache__'));
    writeFileSync(file('assets/__pycache__/a.pyc'), 'compiled');
    // No longer in the list.
    appendFileSync(file('lib/helper.py'), 'unseen = 1\n');
    await sleep(200);
    await onlyThis();
  });

  it('are not watched if they fit a glob, also one that is added later', async () => {
    const { file, watcher, watch, onlyThis } = await project({ ignored: ['*.log', 'assets/big/'] });
    mkdirSync(file('assets/big'), { recursive: true });
    await watch('app.py', 'lib/helper.py', 'assets');
    writeFileSync(file('assets/run.log'), 'line');
    writeFileSync(file('assets/big/a.txt'), 'a');
    await sleep(200);
    await onlyThis();
    watcher.ignore('lib/helper.py');
    appendFileSync(file('lib/helper.py'), 'unseen = 1\n');
    await sleep(200);
    await onlyThis();
  });

  it('may be links, or outside of the project', async () => {
    const { file, next, watcher } = await project();
    const elsewhere = testFolder();
    const target = join(elsewhere, 'shared.py');
    writeFileSync(target, 'shared = 1\n');
    writeFileSync(join(elsewhere, 'outside.py'), 'outside = 1\n');
    symlinkSync(target, file('link.py'));
    await sleep(5);
    await watcher.watch([file('app.py'), file('link.py'), join(elsewhere, 'outside.py')], Date.now());
    appendFileSync(target, 'more = 1\n');
    expect(await next()).toEqual(changed(file('link.py')));
    appendFileSync(join(elsewhere, 'outside.py'), 'more = 1\n');
    expect(await next()).toEqual(changed(join(elsewhere, 'outside.py')));
  });

  it('are watched on when the project’s folder is replaced', async () => {
    const { root, file, next } = await project();
    renameSync(root, `${root}-old`);
    expect(await next()).toMatchObject({ kind: 'removed', others: 1 });
    mkdirSync(file('lib'), { recursive: true });
    for (const name of ['app.py', 'lib/helper.py']) writeFileSync(file(name), '# new\n');
    expect(await next()).toMatchObject({ kind: 'added' });
    await sleep(2_500);
    appendFileSync(file('app.py'), 'x = 1\n');
    expect(await next()).toEqual(changed(file('app.py')));
  });
});
