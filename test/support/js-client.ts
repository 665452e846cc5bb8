import { createFalClient } from '@fal-ai/client';
import type { Emulator } from './emulator.ts';

/** The JavaScript client through the emulator's proxy: all that a program must change. */
export function jsClient(emulator: Pick<Emulator, 'ports' | 'variables'>, key = emulator.variables.FAL_KEY ?? '') {
  return createFalClient({
    proxyUrl: { url: `http://localhost:${emulator.ports.api}/api/fal/proxy`, when: 'always' },
    credentials: key,
  });
}
