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

/**
 * Reloads an app: has each save imported by the loader, and hands it to the emulator. One at a time: a save during an
 * import replaces it, and one during a reload follows it.
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
  let loading: (Wanted & { readonly id: number }) | undefined;
  let isPosting = false;
  let next: Wanted | undefined;

  function want(wanted: Wanted): void {
    const earlier = next ?? loading;
    // The earliest save that isn't answered yet counts, and a restart that was asked for isn't forgotten.
    next = { ...wanted, fresh: wanted.fresh || (earlier?.fresh ?? false), at: earlier?.at ?? wanted.at };
    if (!isPosting) load();
  }

  function load(): void {
    if (!next) return;
    loading = { ...next, id: ++ids };
    next = undefined;
    const { id, cause, fresh } = loading;
    order({ op: 'load', id, cause, fresh, swap: deps.swaps && !fresh });
  }

  async function finish(wanted: Wanted & { readonly id: number }, loaded: Loaded | LoadError): Promise<void> {
    const { id, cause, at } = wanted;
    loading = undefined;
    isPosting = true;
    try {
      let posted = await post({ cause, loaded });
      while (posted.kind === 'busy') {
        await sleep(busyMs);
        posted = await post({ cause, loaded });
      }
      const isAccepted = posted.kind === 'answer' && !['failed', 'kept'].includes(posted.answer.outcome);
      order({ op: isAccepted ? 'accepted' : 'refused', id });
      if (posted.kind === 'refused') onTrouble(posted.sentence);
      else {
        const error = 'event' in loaded ? {} : { error: loaded };
        onDone({ cause, ms: Math.round(clock() - at), answer: posted.answer, ...error });
      }
    } catch (error) {
      order({ op: 'refused', id });
      onTrouble(`the emulator did not answer: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      isPosting = false;
      load();
    }
  }

  return {
    /** A file was saved. */
    saved: (cause: string) => want({ cause, fresh: false, at: clock() }),
    /** Runners are to start again, with a new `setup()`. */
    restart: () => want({ cause: null, fresh: true, at: clock() }),
    /** What the loader reports about a save; a later save may have replaced it. */
    reported(event: Extract<LoaderEvent, { event: 'loaded' | 'failed' }>): void {
      if (loading?.id === event.id) void finish(loading, event.event === 'loaded' ? event : event.error);
    },
  };
}
