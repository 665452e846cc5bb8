import type { ReloadAnswer } from '../wire/reload.ts';
import type { LoadError, Loaded, LoaderEvent, LoaderOrder } from './messages.ts';
import type { postReload, Reload } from './post.ts';

/** What was done about a save, for people and tests. */
export interface Done {
  /** The file, `null`: a restart that was asked for. */
  readonly cause: string | null;
  /** From the save to the answer. */
  readonly ms: number;
  readonly answer: ReloadAnswer;
  readonly error?: LoadError;
}

/** A save, or a restart that was asked for. */
interface Wanted {
  readonly cause: string | null;
  readonly fresh: boolean;
  readonly at: number;
}

type Post = (reload: Reload) => ReturnType<typeof postReload>;

/** While an earlier reload of the run is under way in the emulator. */
const busyMs = 100;
/** Runners that exchange their code have done so by then. If none could, a new one starts, and has a `setup()`. */
const changeMs = 4_000;

/** A save that the loader imports, and the revision with which it compares it. */
interface Loading extends Wanted {
  readonly id: number;
  readonly base: string | null;
}

/**
 * Reloads an app: has each save imported by the loader, and hands it to the emulator. A save during an import replaces
 * it, and so does one during a restart, whose `setup()` may take a minute. One while runners change their code follows,
 * for as long as that can take.
 */
export function createReloads(deps: {
  readonly order: (order: LoaderOrder) => void;
  readonly post: Post;
  /** Whether live runners may be patched. */
  readonly swaps: boolean;
  readonly onDone: (done: Done) => void;
  /** Called with a sentence when a save could not be reloaded although it may be right. */
  readonly onTrouble: (sentence: string) => void;
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}) {
  const { order, post, onDone, onTrouble, clock, sleep } = deps;
  let ids = 0;
  /** The revision of the last accepted answer: both the loader and the emulator go by it. */
  let base: string | null = null;
  let loading: Loading | undefined;
  let changing: Loading | undefined;
  /** The last save that was handed to the emulator. */
  let handed = 0;
  const restarting = new Set<Wanted>();
  let next: Wanted | undefined;

  function want(wanted: Wanted): void {
    const earlier = next ?? loading;
    // The earliest save that isn't answered yet counts, and a restart that was asked for isn't forgotten.
    const fresh = [wanted, earlier, ...restarting].some((one) => one?.fresh);
    next = { ...wanted, fresh, at: earlier?.at ?? wanted.at };
    if (!changing) load();
  }

  function load(): void {
    if (!next) return;
    loading = { ...next, id: ++ids, base };
    next = undefined;
    const { id, cause, fresh } = loading;
    order({ op: 'load', id, cause, fresh, swap: deps.swaps && !fresh });
  }

  async function finish(wanted: Loading, loaded: Loaded | LoadError): Promise<void> {
    loading = undefined;
    const isRestart = 'event' in loaded && ['restart', 'rebuild'].includes(loaded.verdict);
    if (isRestart) {
      restarting.add(wanted);
    } else {
      changing = wanted;
      sleep(changeMs).then(
        () => letPass(wanted),
        () => {}, // the run is over
      );
    }
    try {
      await hand(wanted, loaded);
    } catch (error) {
      order({ op: 'refused', id: wanted.id });
      onTrouble(`the emulator did not answer: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      restarting.delete(wanted);
      if (changing === wanted) changing = undefined;
      if (!changing) load();
    }
  }

  function letPass(slow: Loading): void {
    if (changing !== slow) return;
    changing = undefined;
    restarting.add(slow);
    load();
  }

  async function hand({ id, cause, at, base: compared }: Loading, loaded: Loaded | LoadError): Promise<void> {
    const reload = { cause, base: compared, loaded, afterSaveMs: Math.round(clock() - at) };
    handed = id;
    let posted = await post(reload);
    while (posted.kind === 'busy') {
      await sleep(busyMs);
      if (handed > id) {
        // It would take the place of the later one.
        order({ op: 'refused', id });
        return;
      }
      posted = await post(reload);
    }
    if (posted.kind === 'refused') {
      order({ op: 'refused', id });
      onTrouble(posted.sentence);
      return;
    }
    const { answer } = posted;
    const isAccepted = !['failed', 'kept'].includes(answer.outcome);
    if (isAccepted) base = answer.revision;
    order({ op: isAccepted ? 'accepted' : 'refused', id });
    // The later save is reported.
    if (answer.outcome === 'failed' && answer.reason?.code === 'superseded') return;
    const error = 'event' in loaded ? {} : { error: loaded };
    onDone({ cause, ms: Math.round(clock() - at), answer, ...error });
  }

  return {
    /** A file was saved; `at` is on the same clock. */
    saved: (cause: string, at: number) => want({ cause, fresh: false, at }),
    /** Runners are to start again, with a new `setup()`. */
    restart: () => want({ cause: null, fresh: true, at: clock() }),
    /** What the loader reports about a save; a later save may have replaced it. */
    reported(event: Extract<LoaderEvent, { event: 'loaded' | 'failed' }>): void {
      if (loading?.id === event.id) void finish(loading, event.event === 'loaded' ? event : event.error);
    },
  };
}
