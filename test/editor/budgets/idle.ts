import { join } from 'node:path';
import { inExtensionHost } from '../../lab/extension-host.ts';
import { makeMachine } from '../machine.ts';
import type { Figure } from './figure.ts';

/** What the extension does in ten seconds with an emulator that runs, while none of its views or lenses is visible. */
export async function idle(vsix: string): Promise<readonly Figure[]> {
  const machine = await makeMachine();
  try {
    const entry = join(import.meta.dirname, '..', 'host', 'idle.ts');
    const seen = (await inExtensionHost({ ...machine.options, vsix: [vsix], entry })) as {
      readonly timers: readonly string[];
      readonly requests: readonly string[];
    };
    for (const stack of new Set([...seen.timers, ...seen.requests])) console.log(`  ${stack}`);
    return [
      { what: 'timers set in 10 s while nothing is visible', value: seen.timers.length, budget: 0, unit: '' },
      { what: 'requests sent in 10 s while nothing is visible', value: seen.requests.length, budget: 0, unit: '' },
    ];
  } finally {
    await machine.remove();
  }
}
