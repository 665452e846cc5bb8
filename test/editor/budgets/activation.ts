import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../../lab/extension-host.ts';
import { type Figure, median } from './figure.ts';

const rounds = 7;

/** How long the packaged extension takes to load and activate, each time in a new extension host. */
export async function activation(vsix: string): Promise<readonly Figure[]> {
  const entry = join(import.meta.dirname, '..', 'host', 'activation.ts');
  const workspace = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
  const times: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const settings = { 'minifal.dataFolder': join(workspace, 'data') };
    times.push(Number(await inExtensionHost({ vsix: [vsix], workspace, settings, entry })));
  }
  await rm(workspace, { recursive: true, force: true });
  return [
    { what: 'load and activate, median', value: median(times), budget: 40, unit: 'ms' },
    { what: 'load and activate, worst', value: Math.max(...times), budget: 100, unit: 'ms' },
  ];
}
