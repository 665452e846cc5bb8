import { realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type FSWatcher, watch as watchFiles } from 'chokidar';
import { type Contents, differences, readContents } from './contents.ts';
import { needsPolling } from './file-systems.ts';
import { isGitBusy } from './git-lock.ts';
import { ignoredBy } from './ignored.ts';
import { describeWatchError } from './limits.ts';

/** What was saved: one reload, of however many files. */
export interface Change {
  /** The one that changed first, as far as it is known. */
  readonly file: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** How many others changed with it. */
  readonly others: number;
}

export interface Watcher {
  /**
   * Replaces the files and folders that are watched; folders with all that is in them.
   * @param since a new one among them that was written after this time (ms since the epoch) counts as changed
   */
  watch(paths: readonly string[], since: number): Promise<void>;
  /** Watches what fits this glob no longer. */
  ignore(glob: string): void;
  close(): Promise<void>;
}

/** Without an event for so long, a save is complete. */
const quietMs = 20;
/** The same for a file that is gone or empty: an editor may be about to write it. */
const blankMs = 150;
/** A stream of changes doesn't hold a reload up for longer. */
const maxWaitMs = 1_000;
const gitPollMs = 50;
/** When no events come. */
const pollMs = 500;
/** Whatever events miss, such as a project folder that was replaced, is noticed within this time. */
const netMs = 2_000;

/**
 * Watches files by their content: events of the system only say when to look. A save by renaming, a file that is
 * deleted and written again, a checkout of many files are each one change; a touch is none.
 */
export function createWatcher(options: {
  /** The project's folder: relative globs begin here. */
  readonly root: string;
  readonly ignored: readonly string[];
  /** Doesn't rely on events; `undefined`: decided by the file system. */
  readonly polls?: boolean;
  /** `at`: when it was first noticed, on the clock of `performance.now()`. */
  readonly onChange: (change: Change, at: number) => void;
  /** Called with a sentence for people when events don't come. */
  readonly onTrouble: (sentence: string) => void;
}): Watcher {
  const { root, onChange, onTrouble } = options;
  let globs = options.ignored;
  let isIgnored = ignoredBy(root, globs);
  let paths: readonly string[] = [];
  let contents: Contents = new Map();
  let events: FSWatcher | undefined;
  let rootId = '';
  let isPolling = options.polls ?? false;
  let isClosed = false;
  /** The first path of which an event came since the last reload, and when. */
  let first: { readonly path: string | undefined; readonly at: number } | undefined;
  let waiting: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const ticker = setInterval(tick, pollMs);
  let ticks = 0;

  function tick(): void {
    ticks++;
    if (!isPolling && ticks % (netMs / pollMs) !== 0) return;
    if (!isPolling && idOf(root) !== rootId) reopen();
    if (!waiting) inTurn(() => look());
  }

  /** One look at a time, in order. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    looking = looking.then(() => (isClosed ? undefined : work()));
    return looking;
  }

  function hint(path: string | undefined): void {
    first ??= { path, at: performance.now() };
    wait(quietMs);
  }

  function wait(ms: number): void {
    clearTimeout(waiting);
    const left = first ? first.at + maxWaitMs - performance.now() : ms;
    waiting = setTimeout(() => void inTurn(() => look()), Math.max(0, Math.min(ms, left)));
  }

  async function look(): Promise<void> {
    clearTimeout(waiting);
    waiting = undefined;
    const isLate = first !== undefined && performance.now() - first.at >= maxWaitMs;
    if (isGitBusy(root)) {
      first = { path: first?.path, at: performance.now() };
      wait(gitPollMs);
      return;
    }
    const now = await readContents(paths, isIgnored, contents);
    const changes = differences(contents, now);
    if (changes.length === 0) {
      contents = now; // with new times
      if (!waiting) first = undefined;
      return;
    }
    // Events came while the files were read, or the content of one is about to come.
    if (!isLate && waiting) return;
    if (!isLate && changes.some(({ isBlank }) => isBlank)) {
      if (!first) hint(undefined);
      else if (performance.now() - first.at < blankMs) wait(blankMs);
      else return done(now, changes);
      return;
    }
    done(now, changes);
  }

  function done(now: Contents, changes: ReturnType<typeof differences>): void {
    contents = now;
    const cause = changes.find(({ path }) => path === first?.path) ?? changes[0];
    const at = first?.at ?? performance.now();
    first = undefined;
    if (cause) onChange({ file: cause.path, kind: cause.kind, others: changes.length - 1 }, at);
  }

  function reopen(): void {
    void events?.close();
    events = undefined;
    rootId = idOf(root);
    if (isPolling || paths.length === 0) return;
    const { roots, isWanted } = scope(root, paths, isIgnored);
    const opened = watchFiles([...roots], {
      ignored: (path) => !isWanted(path),
      ignoreInitial: true,
      ignorePermissionErrors: true,
      usePolling: false,
    });
    events = opened;
    opened.on('all', (_, path) => hint(path));
    // These include changes that the library merges.
    opened.on('raw', (_, name, details: unknown) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      const path = name && !watchedPath.endsWith(`${sep}${name}`) ? join(watchedPath, name) : watchedPath;
      if (isWanted(path)) hint(path);
    });
    // Between the last look and now, something may have changed.
    opened.on('ready', () => void inTurn(() => look()));
    opened.on('error', (error) => {
      if (events !== opened) return;
      isPolling = true;
      reopen();
      onTrouble(describeWatchError(error));
    });
  }

  return {
    watch(wanted, since) {
      return inTurn(async () => {
        const places = [...new Set(wanted)].sort();
        if (places.join('\n') === paths.join('\n')) return;
        const known = new Set(paths);
        const now = await readContents(places, isIgnored, contents);
        const isNew = (path: string) => !known.has(path) && !contents.has(path);
        const late = [...now].find(([path, { mtimeMs }]) => isNew(path) && mtimeMs > since);
        // What was known keeps what was seen of it: a change in the meantime is still one.
        contents = new Map([...now].map(([path, seen]) => [path, contents.get(path) ?? seen]));
        paths = places;
        if (options.polls === undefined && !isPolling) isPolling = places.some((place) => needsPolling(place));
        reopen();
        if (late) onChange({ file: late[0], kind: 'changed', others: 0 }, performance.now());
        else await look();
      });
    },
    ignore(glob) {
      void inTurn(async () => {
        globs = [...globs, glob];
        isIgnored = ignoredBy(root, globs);
        contents = new Map([...contents].filter(([path]) => !isIgnored(path)));
        reopen();
      });
    },
    async close() {
      isClosed = true;
      clearInterval(ticker);
      clearTimeout(waiting);
      await events?.close();
      await looking;
    },
  };
}

/**
 * The folders to watch, and whether a path in them matters: the files, their folders up to the root (which may be
 * replaced), and what is in the folders among `paths`.
 */
function scope(root: string, paths: readonly string[], isIgnored: (path: string) => boolean) {
  const isInRoot = (path: string) => path === root || path.startsWith(`${root}${sep}`);
  // A link is one place, what it leads to another.
  const exact = new Set(paths.flatMap((path) => [path, real(path)]));
  const [inside, outside] = [[...exact].filter(isInRoot), [...exact].filter((path) => !isInRoot(path))];
  const roots = new Set([...(inside.length > 0 ? [root] : []), ...outside.map((path) => dirname(path))]);
  const ways = new Set(roots);
  for (const path of inside)
    for (let folder = dirname(path); isInRoot(folder); folder = dirname(folder)) ways.add(folder);
  return {
    roots,
    isWanted(path: string): boolean {
      if (ways.has(path)) return true;
      if (isIgnored(path)) return false;
      return exact.has(path) || [...exact].some((wanted) => path.startsWith(`${wanted}${sep}`));
    },
  };
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function idOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}
