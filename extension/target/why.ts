import { type Diagnosis, diagnosisSchema } from '../../emulator/wire/diagnosis.ts';
import { ask } from './ask.ts';

export type { Diagnosis };

/**
 * Why a request (by its number or id), a runner or an app waits, or how it is; `undefined`: it is unknown, or no
 * emulator is running.
 */
export function askWhy(folder: string, id: string): Promise<Diagnosis | undefined> {
  return ask(folder, `/minifal/why/${encodeURIComponent(id)}`, diagnosisSchema);
}
