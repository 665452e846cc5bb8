import { type RunnerColor, runnerColorId } from '../contributes/colors.ts';
import type { RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';

/** The appearance and the meaning of a runner's state. */
export interface StateLook {
  readonly icon: string;
  /** The id of a theme colour. */
  readonly color: string;
  /** A sentence. */
  readonly meaning: string;
  /** A few words for a row, with how long the state has lasted and how long it still lasts; each may be empty. */
  readonly word: (age: string, left: string) => string;
}

const aged =
  (word: string) =>
  (age: string): string =>
    age === '' ? word : `${word} ${age}`;

const states: { readonly [state: string]: () => StateLook } = {
  PENDING: () => look('clock', 'waiting', t('Waiting for a process.'), aged(t('waiting'))),
  DOCKER_PULL: () => look('cloud-download', 'starting', t('Pulling the image.'), aged(t('pulling image'))),
  SETUP: () => look('gear', 'starting', t('Loading the app and running setup().'), aged(t('setup'))),
  IDLE: () =>
    look('circle-outline', 'idle', t('Ready, waiting for requests.'), (age, left) =>
      left === '' ? aged(t('idle'))(age) : t('idle · stops in {0}', left),
    ),
  RUNNING: () => look('play-circle', 'busy', t('Processing requests.'), aged(t('running'))),
  DRAINING: () =>
    look('debug-step-out', 'ending', t('Finishing its requests; receives no new ones.'), aged(t('finishing'))),
  TERMINATING: () =>
    look('debug-stop', 'ending', t('Shutting down; killed when the grace period ends.'), aged(t('stopping'))),
  FAILURE_DELAY: () =>
    look(
      'error',
      'failed',
      t('Waiting to restart after a failed start. Newer SDKs call this CRASH_BACKOFF.'),
      (_age, left) => (left === '' ? t('failed') : t('failed, retry in {0}', left)),
    ),
  TERMINATED: () => look('circle-slash', 'ended', t('Ended.'), () => t('ended')),
};

/** Accepts any state, including unknown states of a newer emulator. */
export function stateLook(state: string): StateLook {
  return states[state]?.() ?? look('question', 'waiting', '', aged(state.toLowerCase().replaceAll('_', ' ')));
}

type DebugState = NonNullable<RunnerRow['debug']>;

/** What differs in the appearance of a runner because of a debugger. */
export function debugLook(state: DebugState): Partial<StateLook> {
  if (state === 'paused') return { icon: 'debug-pause', word: aged(t('paused in debugger')) };
  return state === 'waiting' ? { icon: 'debug-alt', word: aged(t('waits for debugger')) } : {};
}

export function debugMeaning(state: DebugState): string {
  if (state === 'paused') return t('Stopped at a line; its time limits do not count.');
  return state === 'waiting' ? t('Waits for a debugger before it loads the app.') : t('Attached.');
}

function look(icon: string, color: RunnerColor, meaning: string, word: StateLook['word']): StateLook {
  return { icon, color: runnerColorId(color), meaning, word };
}
