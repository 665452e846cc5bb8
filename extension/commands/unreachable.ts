import { Problem } from '../problem.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';

/**
 * Why a command in a terminal can't reach the emulator, with what the user can do; `undefined`: it can. Pure.
 * @param isCurrent whether the terminal's variables are those of the running emulator
 */
export function unreachable(state: Snapshot['state'], isCurrent: boolean): Problem | undefined {
  if (state === 'starting') return undefined;
  if (state !== 'running') {
    return new Problem(t('No emulator is running, so this terminal does not reach one.'), 'startEmulator');
  }
  if (isCurrent) return undefined;
  return new Problem(t('This terminal has the addresses of an earlier emulator.'), 'openTerminal');
}
