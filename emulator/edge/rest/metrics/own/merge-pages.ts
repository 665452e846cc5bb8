import { labelsOf } from '../exposition.ts';
import { type Family, type FamilyType, type OwnSample, suffixes } from './parse-page.ts';

/** What one runner's app serves, and the labels that each of its series gets. */
export interface OwnPage {
  readonly labels: { readonly [name: string]: string };
  readonly families: readonly Family[];
}

interface Merged {
  readonly type: FamilyType;
  readonly help: string | undefined;
  readonly lines: string[];
}

/** No more series of all runners together. */
export const maxSeries = 20_000;

/**
 * One text of several pages, in Prometheus' format: each family once, with the series of all runners. What can't be in
 * the same text is left out: metrics with a name in `taken`, with another type than on an earlier page, with a name
 * that another family needs, and series that are there already. Pure.
 */
export function mergePages(pages: readonly OwnPage[], taken: ReadonlySet<string>): string {
  const families = new Map<string, Merged>();
  const ownerOf = new Map<string, string>();
  const seen = new Set<string>();

  function familyFor({ name, type, help }: Family): Merged | undefined {
    const known = families.get(name);
    if (known) return known.type === type ? known : undefined;
    const names = [name, ...suffixes[type].map((suffix) => `${name}${suffix}`)];
    if (names.some((one) => taken.has(one) || ownerOf.has(one))) return undefined;
    for (const one of names) ownerOf.set(one, name);
    const made: Merged = { type, help, lines: [] };
    families.set(name, made);
    return made;
  }

  for (const { labels, families: own } of pages) {
    for (const family of own) {
      const merged = familyFor(family);
      for (const sample of merged ? family.samples : []) {
        const series = `${sample.name}{${labelsOf(allLabels(labels, sample))}}`;
        if (seen.has(series) || seen.size >= maxSeries) continue;
        seen.add(series);
        merged?.lines.push(`${series} ${sample.value}\n`);
      }
    }
  }
  return [...families].flatMap(([name, family]) => textOf(name, family)).join('');
}

function textOf(name: string, { type, help, lines }: Merged): readonly string[] {
  if (lines.length === 0) return [];
  return [...(help === undefined ? [] : [`# HELP ${name} ${help}\n`]), `# TYPE ${name} ${type}\n`, ...lines];
}

/**
 * As Prometheus does (`honor_labels: false`): the app's label is renamed to `exported_…` where ours has its name. An
 * empty label is none. Sorted, so that equal series have equal texts.
 */
function allLabels(ours: OwnPage['labels'], { labels }: OwnSample): { readonly [name: string]: string } {
  const own = [...labels].filter(([name, value]) => value !== '' && !name.startsWith('__'));
  const names = new Set([...Object.keys(ours), ...own.map(([name]) => name)]);
  const renamed = own.sort(byName).map(([name, value]): readonly [string, string] => {
    if (!Object.hasOwn(ours, name)) return [name, value];
    let other = name;
    do other = `exported_${other}`;
    while (names.has(other));
    names.add(other);
    return [other, value];
  });
  return Object.fromEntries([...Object.entries(ours), ...renamed]);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
