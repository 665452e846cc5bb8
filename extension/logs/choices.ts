import type { Choices, Filter } from '../../webview/host.ts';
import { aliasName } from '../target/alias-name.ts';
import type { LiveState, RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';

const maxRequests = 30;

/** What the page's filters offer: apps, their runners, and their latest requests. Pure. */
export function choicesOf(live: LiveState | undefined, { alias }: Pick<Filter, 'alias'>): Choices {
  if (!live) return { apps: [], runners: [], requests: [] };
  const ofApp = (row: { readonly alias: string }) => alias === null || row.alias === alias;
  const nameOf = (of: string, appName?: string) => aliasName(of, live.apps.get(of)?.appName ?? appName);
  const prefix = ({ alias: of, appName }: RunnerRow) => (alias === null ? `${nameOf(of, appName)} · ` : '');
  const runners = [...live.runners.values()].filter(ofApp).toSorted((a, b) => b.startedAt - a.startedAt);
  const requests = [...live.requests.values()].filter(ofApp).toSorted((a, b) => b.number - a.number);
  return {
    apps: [...live.apps.keys()].toSorted().map((id) => ({ id, label: nameOf(id) })),
    runners: runners.map((one) => ({ id: one.id, label: `${prefix(one)}${t('runner {0}', one.number)}` })),
    requests: requests.slice(0, maxRequests).map(({ id, number, method, path }) => ({
      id,
      label: `#${number} ${method} ${path}`,
    })),
  };
}
