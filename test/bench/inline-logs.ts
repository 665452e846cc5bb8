// What a loop of 100,000 lines costs a window that shows inline logs: CPU time of the process that follows the log, as
// the extension host does, until the last line is there.
import { createLineValues } from '../../extension/inline-logs/line-values.ts';
import { createLogClient } from '../../extension/target/log-client.ts';
import { createBed } from './bed.ts';

export async function benchInlineLogs({ lines, rounds }: { readonly lines: number; readonly rounds: number }) {
  const bed = await createBed();
  try {
    await bed.deploy('Printing', 'printing');
    const { ports, authorization } = bed.emulator;
    const headers = { authorization, 'content-type': 'application/json' };
    const body = JSON.stringify({ name: `loop ${lines}` });
    const call = () => fetch(`http://127.0.0.1:${ports.run}/${bed.owner}/printing`, { method: 'POST', headers, body });
    const client = createLogClient({ address: `http://127.0.0.1:${ports.api}`, key: authorization.slice(4) });
    for (const newest of [undefined, 'true'] as const) {
      for (let round = 0; round < rounds; round++) {
        const leave = new AbortController();
        const values = createLineValues();
        const ended = Promise.withResolvers<void>();
        const began = Promise.withResolvers<void>();
        let [events, rows] = [0, 0];
        const following = client.follow(
          { server: 'false', ...(newest ? { newest } : {}) },
          (page) => {
            began.resolve();
            events++;
            rows += page.lines.length;
            for (const { place, seq, at, message: text, alias, revision, runnerId, requestId } of page.lines) {
              const value = { seq, at, codeAt: 1, text, alias, revision, runnerId, requestId };
              if (place) values.add({ path: place.file, line: place.line }, value, () => false);
              if (text === `the last of ${lines}`) ended.resolve();
            }
          },
          leave.signal,
        );
        await Promise.race([began.promise, following]);
        const [cpu, at] = [process.cpuUsage(), performance.now()];
        await (await call()).text();
        await ended.promise;
        const { user, system } = process.cpuUsage(cpu);
        const [cpuMs, ms] = [(user + system) / 1_000, performance.now() - at];
        leave.abort();
        await following.catch(() => undefined);
        const share = ((100 * cpuMs) / ms).toFixed(1);
        console.log(
          `${newest ? 'only the newest' : 'every line'}: ${cpuMs.toFixed(0)} ms of CPU in ${ms.toFixed(0)} ms ` +
            `(${share} % of a core), ${events} events, ${rows} of ${lines} lines`,
        );
      }
    }
  } finally {
    await bed.stop();
  }
}
