import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  findRunning,
  isAlive,
  makeFolder,
  type ProcessIdentity,
  processIdentity,
  processStart,
  type RunningEmulator,
  readJson,
} from '../target/data-folder.ts';

/**
 * Which windows use an emulator, as files below `<data>/windows`: one per extension host, named by its process;
 * `started-here`, which names the emulator that a window started; and `left`, which names the host of the window that
 * closed last. Files of dead processes are ignored, so a crash leaves no false owner, and removed by the next window.
 */
export interface Windows {
  /** Records that this window uses the emulator. Idempotent. */
  enter(): void;
  /**
   * Records that this window started the emulator, so the last window may stop it. Windows never stop an emulator that
   * a terminal started.
   */
  claim(running: RunningEmulator): void;
  leave(): void;
}

const owner = 'started-here';
const lastLeft = 'left';

export function createWindows(folder: string, pid: number = process.pid): Windows {
  const windows = join(folder, 'windows');
  const own = join(windows, `${pid}`);
  return {
    enter() {
      write(windows, own, { pid, processStart: processStart(pid) });
      for (const { file, window } of recorded(folder)) if (!isAlive(window)) remove(file);
    },
    claim: (running) => write(windows, join(windows, owner), running),
    leave() {
      remove(own);
      if (existsSync(windows)) write(windows, join(windows, lastLeft), { pid, processStart: processStart(pid) });
    },
  };
}

/**
 * The emulator of the folder, if a window started it and no window uses it now.
 * @param leaver the host of a window that closed a while ago. If another one has closed since, the emulator may be used
 *   again in a moment: that window may be reloading.
 */
export function findUnused(folder: string, leaver: number): RunningEmulator | undefined {
  if (readJson(join(folder, 'windows', lastLeft), processIdentity)?.pid !== leaver) return undefined;
  const running = findRunning(folder);
  const started = readJson(join(folder, 'windows', owner), processIdentity);
  if (!running || started?.pid !== running.pid || started.processStart !== running.processStart) return undefined;
  return liveWindows(folder).length === 0 ? running : undefined;
}

/** The processes of the windows that use the folder's emulator. */
export function liveWindows(folder: string): readonly ProcessIdentity[] {
  return recorded(folder).flatMap(({ window }) => (isAlive(window) ? [window] : []));
}

/** Those that have a file, whether or not they still run. */
function recorded(folder: string): readonly { readonly file: string; readonly window: ProcessIdentity }[] {
  let names: readonly string[] = [];
  try {
    names = readdirSync(join(folder, 'windows')).filter((name) => /^\d+$/.test(name));
  } catch {
    // no window has used it yet
  }
  return names.flatMap((name) => {
    const file = join(folder, 'windows', name);
    const window = readJson(file, processIdentity);
    return window ? [{ file, window }] : [];
  });
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // no permission, or a part of its path is no folder
  }
}

/** Best effort: if nothing can be written, the emulator keeps running. */
function write(windows: string, file: string, { pid, processStart: start }: ProcessIdentity): void {
  try {
    makeFolder(windows, 0o700);
    writeFileSync(`${file}.new`, JSON.stringify({ pid, processStart: start }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // no space, no permission
  }
}
