// An extension next to ours in the same host: appends each half second's longest pause of the host, with its time and
// the host's CPU time so far (milliseconds), to the file that MEASURED_PAUSES names.
import { appendFileSync } from 'node:fs';
import { measurePauses } from './pauses.ts';

export function activate(): void {
  const file = process.env.MEASURED_PAUSES ?? '';
  const pauses = measurePauses();
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    appendFileSync(file, `${Date.now()} ${pauses.take()} ${(user + system) / 1_000}\n`);
  }, 500);
}
