import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RestDeps } from '../../deps.ts';
import { mergePages, type OwnPage } from './merge-pages.ts';
import { parsePage } from './parse-page.ts';

/** For all runners together: who scrapes waits, by default, 10 s. */
const patienceMs = 2_000;
/** Pages that are read at the same time: each may have 1 MiB. */
const together = 32;

/**
 * What the apps of live runners serve as their own metrics, in Prometheus' format; `taken`: names of other metrics.
 * Pages that can't be used are named in comments. Never rejects.
 */
export async function ownMetrics(
  { catalog, fleet }: Pick<RestDeps, 'catalog' | 'fleet'>,
  taken: ReadonlySet<string>,
): Promise<string> {
  const names = new Set(catalog.aliases(null).map(({ name }) => name));
  const runners = fleet.runners().filter(({ alias }) => names.has(alias));
  const stop = AbortSignal.timeout(patienceMs);
  const pages: (OwnPage | undefined)[] = [];
  const comments: string[] = [];
  let next = 0;

  async function readNext(): Promise<void> {
    for (let index = next++; index < runners.length; index = next++) {
      const runner = runners[index];
      if (runner === undefined) return;
      const found = await fleet.metricsPage(runner.id, stop);
      if (found === undefined || found.kind === 'none') continue;
      // Reading a page takes a while, so other work has its turn in between.
      await nextTurn();
      const read = found.kind === 'page' ? parsePage(found.text) : found;
      const application = `${catalog.account.nickname}/${runner.alias}`;
      if (read.kind === 'failed')
        comments.push(`# The own metrics of ${application}, runner ${runner.id}, are left out: ${read.why}.\n`);
      else pages[index] = { labels: { application, runner_id: runner.id }, families: read.families };
    }
  }

  await Promise.all(Array.from({ length: Math.min(together, runners.length) }, readNext));
  return (
    mergePages(
      pages.filter((page) => page !== undefined),
      taken,
    ) + comments.join('')
  );
}
