import { type RunnerColor, runnerColorId } from '../contributes/colors.ts';
import { t } from '../words.ts';

/** The appearance and the meaning of a runner's state. */
export interface StateLook {
  readonly icon: string;
  /** The id of a theme colour. */
  readonly color: string;
  /** A sentence. */
  readonly meaning: string;
}

const states: { readonly [state: string]: () => StateLook } = {
  PENDING: () => look('clock', 'waiting', t('Waiting for a process.')),
  DOCKER_PULL: () => look('cloud-download', 'starting', t('Pulling the image.')),
  SETUP: () => look('gear', 'starting', t('Loading the app and running setup().')),
  IDLE: () => look('circle-outline', 'idle', t('Ready, waiting for requests.')),
  RUNNING: () => look('play-circle', 'busy', t('Processing requests.')),
  DRAINING: () => look('debug-step-out', 'ending', t('Finishing its requests; receives no new ones.')),
  TERMINATING: () => look('debug-stop', 'ending', t('Shutting down; killed when the grace period ends.')),
  FAILURE_DELAY: () =>
    look('error', 'failed', t('Waiting to restart after a failed start. Newer SDKs call this CRASH_BACKOFF.')),
  TERMINATED: () => look('circle-slash', 'ended', t('Ended.')),
};

/** Accepts any state, including unknown states of a newer emulator. */
export function stateLook(state: string): StateLook {
  return states[state]?.() ?? look('question', 'waiting', t(''));
}

function look(icon: string, color: RunnerColor, meaning: string): StateLook {
  return { icon, color: runnerColorId(color), meaning };
}
