import { aliasName, auditedRun, nameOfApp } from '../target/alias-name.ts';
import type { Link } from '../target/link.ts';
import type { AppRow } from '../target/live.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';

/** The name of an app in this window. `appName` of a run: the alias that a deployment of its app would have. */
export type NameOf = (alias: string, appName?: string | null) => string;

/** What names need to know of an app in the code. */
export interface CodeName {
  readonly label: string;
  readonly appName: string;
  /** Of its runs in this window. */
  readonly aliases: readonly (string | undefined)[];
}

/**
 * Names apps as the view "Apps" does: one of the window's code is called what its code calls it, everywhere. Pure.
 * `apps`: those of the emulator.
 */
export function namesIn(apps: ReadonlyMap<string, AppRow> | undefined, code: readonly CodeName[]): NameOf {
  const labels = new Map<string, string>();
  // The first of several apps with one name has it.
  for (const { label, appName, aliases } of [...code].reverse()) {
    for (const key of [appName, ...aliases]) if (key !== undefined) labels.set(key, label);
  }
  return (alias, given) => {
    const app = apps?.get(alias);
    if (app?.kind === 'deployed') return labels.get(alias) ?? nameOfApp(app);
    const appName = given ?? app?.appName;
    return aliasName(alias, labels.get(auditedRun(alias) ?? alias) ?? labels.get(appName ?? '') ?? appName);
  };
}

/** @returns the names at this moment */
export function createAppNames({
  link,
  index,
  runs,
}: {
  readonly link: Pick<Link, 'snapshot'>;
  readonly index: Pick<AppIndex, 'known'>;
  readonly runs: { aliasesOf(key: string): readonly (string | undefined)[] };
}): () => NameOf {
  return () => {
    const { live, last } = link.snapshot();
    const code = index.known().map((app) => ({ ...app, aliases: runs.aliasesOf(appKey(app)) }));
    return namesIn((live ?? last)?.apps, code);
  };
}
