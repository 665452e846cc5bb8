import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../../lab/extension-host.ts';
import { type Figure, median } from './figure.ts';
import { packageProbe } from './probe.ts';

const rounds = 7;

/**
 * How long the packaged extension takes to load and activate, each time in a new extension host. What an extension
 * without code takes there is printed, too: no extension can be faster on this machine.
 */
export async function activation(vsix: string): Promise<readonly Figure[]> {
  const hosts = join(import.meta.dirname, '..', 'host');
  const workspace = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
  const settings = { 'minifal.dataFolder': join(workspace, 'data') };
  const timeOf = async (one: string): Promise<number> =>
    Number(await inExtensionHost({ vsix: [one], workspace, settings, entry: join(hosts, 'activation.ts') }));
  const empty = await packageProbe(workspace, 'empty', join(hosts, 'empty.ts'));
  const times: number[] = [];
  const without: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    times.push(await timeOf(vsix));
    without.push(await timeOf(empty));
  }
  await rm(workspace, { recursive: true, force: true });
  const list = (values: readonly number[]) => values.map(Math.round).join(', ');
  console.log(`  ours: ${list(times)} ms`);
  console.log(`  an extension without code: ${list(without)} ms`);
  return [
    { what: 'load and activate, median', value: median(times), budget: 40, unit: 'ms' },
    { what: 'load and activate, worst', value: Math.max(...times), budget: 100, unit: 'ms' },
  ];
}
