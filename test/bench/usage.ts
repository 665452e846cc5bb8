// What it costs the emulator to measure 50 runners once a second and to keep that: CPU time of its process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readUsages } from '../../emulator/local/processes/usage.ts';
import { openSampleRecords } from '../../emulator/telemetry/samples/records.ts';
import { createSamples } from '../../emulator/telemetry/samples/samples.ts';

const runners = 50;
/** A keeper whose runner has a child, as many runners have; each prints its main process, and ends with its input. */
const keeper = 'exec 3<&0; (sleep 600 & echo $BASHPID; read <&3; kill $!) & wait';

export async function benchUsage({ seconds }: { readonly seconds: number }): Promise<void> {
  const started = Array.from({ length: runners }, () =>
    spawn('bash', ['-c', keeper], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  const records = openSampleRecords(join(folder, 'samples.db'));
  const samples = createSamples({ records, clock: () => now, report: console.error });
  let now = Date.now();
  try {
    const mains = await Promise.all(started.map(async ({ stdout }) => Number((await once(stdout, 'data'))[0])));
    await readUsages(mains);
    const reading = await cpuShare(seconds, async () => {
      const { of } = await readUsages(mains);
      if (of.size !== runners) throw new Error(`${of.size} of ${runners} runners were measured`);
      await sleep(1_000);
    });
    // Storing has its own clock: what a minute of it costs is little, so it takes an hour of it.
    const sampled = 3_600;
    const begin = process.cpuUsage();
    for (let second = 0; second < sampled; second++) {
      now += 1_000;
      const sample = {
        at: now,
        cores: Math.random(),
        memoryBytes: 1e9 * Math.random(),
        gpuMemoryBytes: 1e9,
        powerWatts: 300,
      };
      samples.add(mains.map((pid) => ({ runnerId: `00000000-0000-0000-0000-${pid}`, sample })));
      if (second % 60 === 59) samples.write();
    }
    const { user, system } = process.cpuUsage(begin);
    const storing = (user + system) / 1e6 / sampled;
    console.log(`share of a core for ${runners} runners of three processes (goal: under 1 % together)`);
    console.log(`  reading ${percent(reading)}, storing ${percent(storing)}`);
  } finally {
    samples.close();
    rmSync(folder, { recursive: true });
    for (const { stdin } of started) stdin.end();
  }
}

/** Of this process while `once` runs again and again. */
async function cpuShare(seconds: number, work: () => Promise<void>): Promise<number> {
  const begin = [process.cpuUsage(), performance.now()] as const;
  while (performance.now() < begin[1] + seconds * 1_000) await work();
  const { user, system } = process.cpuUsage(begin[0]);
  return (user + system) / 1_000 / (performance.now() - begin[1]);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
