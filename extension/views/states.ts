import { type RunnerColor, runnerColorId } from '../contributes/colors.ts';

/** The appearance and the meaning of a runner's state. */
export interface StateLook {
  readonly icon: string;
  /** The id of a theme colour. */
  readonly color: string;
  /** A sentence. */
  readonly meaning: string;
}

const states: { readonly [state: string]: StateLook } = {
  PENDING: look('clock', 'waiting', 'Waits for a process.'),
  DOCKER_PULL: look('cloud-download', 'starting', 'Pulling the image.'),
  SETUP: look('gear', 'starting', 'Loads the app and runs setup().'),
  IDLE: look('circle-outline', 'idle', 'Ready, and waits for requests.'),
  RUNNING: look('play-circle', 'busy', 'Works on requests.'),
  DRAINING: look('debug-step-out', 'ending', 'Finishes its requests and gets no new ones.'),
  TERMINATING: look('debug-stop', 'ending', 'Was asked to end, and has a while to do so.'),
  FAILURE_DELAY: look(
    'error',
    'failed',
    'Waits before its start, because the last start failed. Newer SDKs say CRASH_BACKOFF.',
  ),
  TERMINATED: look('circle-slash', 'ended', 'Has ended.'),
};

/** Accepts any state, including unknown states of a newer emulator. */
export function stateLook(state: string): StateLook {
  return states[state] ?? look('question', 'waiting', '');
}

function look(icon: string, color: RunnerColor, meaning: string): StateLook {
  return { icon, color: runnerColorId(color), meaning };
}
