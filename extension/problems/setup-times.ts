import type { Link } from '../target/link.ts';
import { askStart } from '../target/starts.ts';

const hasStarted = /^(IDLE|RUNNING|DRAINING)$/;

/** How long `setup()` of apps took the last time, in seconds: asked when it is needed, once for each runner. */
export function createSetupTimes(link: Link, dataFolder: string) {
  const ofRunner = new Map<string, number | undefined>();
  const ofAlias = new Map<string, number>();

  return async (alias: string): Promise<number | undefined> => {
    const runners = [...(link.snapshot().live?.runners.values() ?? [])];
    const last = runners.findLast((one) => one.alias === alias && hasStarted.test(one.state));
    if (!last) return ofAlias.get(alias);
    if (!ofRunner.has(last.id)) {
      const start = await askStart(dataFolder, last.id);
      const ms = start?.stages.find(({ name }) => name === 'setup')?.ms;
      ofRunner.set(last.id, typeof ms === 'number' ? ms / 1000 : undefined);
    }
    const seconds = ofRunner.get(last.id);
    if (seconds !== undefined) ofAlias.set(alias, seconds);
    return ofAlias.get(alias);
  };
}
