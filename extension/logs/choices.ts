import type { Choices, Filter } from '../../webview/host.ts';
import type { LiveState, RunnerRow } from '../target/live.ts';
import type { NameOf } from '../views/app-names.ts';
import { t } from '../words.ts';

const maxRequests = 30;

/** What the page's filters offer: apps, their runners, and their latest requests. Pure. */
export function choicesOf(live: LiveState | undefined, { alias }: Pick<Filter, 'alias'>, name: NameOf): Choices {
  if (!live) return { apps: [], runners: [], requests: [] };
  const ofApp = (row: { readonly alias: string }) => alias === null || row.alias === alias;
  const nameOf = distinct(live, name);
  const prefix = ({ alias: of, appName }: RunnerRow) =>
    alias === null ? `${nameOf.get(of) ?? name(of, appName)} · ` : '';
  const runners = [...live.runners.values()].filter(ofApp).toSorted((a, b) => b.startedAt - a.startedAt);
  const requests = [...live.requests.values()].filter(ofApp).toSorted((a, b) => b.number - a.number);
  return {
    apps: [...live.apps.keys()].toSorted().map((id) => ({ id, label: nameOf.get(id) ?? id })),
    runners: runners.map((one) => ({ id: one.id, label: `${prefix(one)}${t('runner {0}', one.number)}` })),
    requests: requests.slice(0, maxRequests).map(({ id, number, method, path }) => ({
      id,
      label: `#${number} ${method} ${path}`,
    })),
  };
}

/** By alias. Two runs of one app have one name: the first signs of their aliases are added. */
function distinct({ apps }: LiveState, nameOf: NameOf): ReadonlyMap<string, string> {
  const names = new Map([...apps].map(([alias, { appName }]) => [alias, nameOf(alias, appName)]));
  const counts = new Map<string, number>();
  for (const name of names.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const isShared = (name: string) => (counts.get(name) ?? 0) > 1;
  return new Map([...names].map(([alias, name]) => [alias, isShared(name) ? `${name} ${alias.slice(0, 8)}` : name]));
}
