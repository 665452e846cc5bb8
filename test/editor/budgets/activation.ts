import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inExtensionHost } from '../../lab/extension-host.ts';
import { type Figure, median } from './figure.ts';
import { packageProbe } from './probe.ts';

const rounds = 7;

/**
 * How much longer the packaged extension takes to load and activate than an extension without code, whose time is the
 * editor's own. Each time is measured in a new extension host, and one of ours is compared with the one that was
 * measured just before or after it: the machine's speed changes more between rounds than within one. One start before
 * them isn't measured: it reads the editor from the disk, for which the first one of the first round would pay.
 */
export async function activation(vsix: string): Promise<readonly Figure[]> {
  const hosts = join(import.meta.dirname, '..', 'host');
  const workspace = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
  const settings = { 'minifal.dataFolder': join(workspace, 'data') };
  const timeOf = async (one: string): Promise<number> =>
    Number(await inExtensionHost({ vsix: [one], workspace, settings, entry: join(hosts, 'activation.ts') }));
  const empty = await packageProbe(workspace, 'empty', join(hosts, 'empty.ts'));
  await timeOf(empty);
  const pairs: { readonly ours: number; readonly editor: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    // The second one of a round finds more in the system's caches.
    const isFirst = round % 2 === 0;
    const first = await timeOf(isFirst ? vsix : empty);
    const second = await timeOf(isFirst ? empty : vsix);
    pairs.push(isFirst ? { ours: first, editor: second } : { ours: second, editor: first });
  }
  await rm(workspace, { recursive: true, force: true });
  const list = (values: readonly number[]) => values.map(Math.round).join(', ');
  const more = pairs.map(({ ours, editor }) => ours - editor);
  console.log(`  ours: ${list(pairs.map(({ ours }) => ours))} ms`);
  console.log(`  an extension without code, in the same rounds: ${list(pairs.map(({ editor }) => editor))} ms`);
  console.log(`  ours takes longer by ${list(more)} ms`);
  return [
    { what: 'load and activate, longer than without code, median', value: median(more), budget: 40, unit: 'ms' },
    { what: 'load and activate, longer than without code, worst', value: Math.max(...more), budget: 100, unit: 'ms' },
  ];
}
