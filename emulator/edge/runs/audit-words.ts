import type { ReloadAudit } from '../../wire/reload.ts';
import type { Difference } from './compare-answers.ts';

/** What an audit found, in a sentence for the log and the editor. `asked`: `POST /`. Pure. */
export function describeAudit(asked: string, found: Difference | { readonly failed: string }): ReloadAudit {
  if ('failed' in found) {
    const why = found.failed.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
    return { outcome: 'failed', sentence: `Audit: no fresh runner could answer ${asked}: ${why}.`, places: [] };
  }
  switch (found.kind) {
    case 'none':
      return { outcome: 'same', sentence: `Audit: a fresh runner gives the same answer to ${asked}.`, places: [] };
    case 'values': {
      const where = found.places.join(', ');
      const sentence =
        `Audit: a fresh runner's answer to ${asked} has other values in ${where}. Random numbers, times and ids ` +
        'differ in each runner; anything else is a reason to restart.';
      return { outcome: 'values', sentence, places: found.places };
    }
    case 'structure': {
      const where = found.places.join('; ');
      const sentence = `Audit: a fresh runner answers ${asked} in another way: ${where}. Restart the app to be sure.`;
      return { outcome: 'different', sentence, places: found.places };
    }
  }
}
