/** A page in Prometheus' text format, by families: the samples of one metric. */
export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  /** Escaped, as it was written. */
  readonly help: string | undefined;
  readonly samples: readonly OwnSample[];
}

export interface OwnSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** A number as Prometheus reads it. */
  readonly value: string;
}

const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
export type FamilyType = (typeof types)[number];

export type ParsedPage =
  | { readonly kind: 'families'; readonly families: readonly Family[] }
  /** `why`: completes "It is left out, because". */
  | { readonly kind: 'failed'; readonly why: string };

/** More aren't taken from one page, as with Prometheus' `sample_limit` and its kind. */
export const pageLimits = { samples: 2_000, labels: 50, lineLength: 16 * 1024, helpLength: 1_024 };

const about = /^#[ \t]*(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/s;
const named = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/;
const label = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|(?=\}))/sy;
const labelsEnd = /[ \t]*\}[ \t]*/y;
/** The value, and a time, which is left out: the samples are those of now. */
const valued = /^(\S{1,64})(?:[ \t]+-?\d{1,20})?[ \t]*$/;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const special: { readonly [text: string]: string } = { nan: 'NaN', inf: '+Inf', '+inf': '+Inf', '-inf': '-Inf' };

/**
 * Reads what an app wrote, which may be anything. As for Prometheus, one line that isn't in the format spoils the page;
 * what is in the format and makes no sense (a bucket without a bound) is left out. Pure.
 */
export function parsePage(text: string): ParsedPage {
  const typeOf = new Map<string, FamilyType>();
  const helpOf = new Map<string, string>();
  const samples: OwnSample[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const fail = (what: string): ParsedPage => ({ kind: 'failed', why: `its line ${index + 1} ${what}` });
    if (line.length > pageLimits.lineLength) return fail('is too long');
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, word, name = '', rest = ''] = about.exec(line) ?? [];
      if (word === 'HELP' && !helpOf.has(name)) helpOf.set(name, helpText(rest));
      if (word === 'TYPE' && !typeOf.has(name)) typeOf.set(name, types.find((type) => type === rest) ?? 'untyped');
      continue;
    }
    const sample = sampleIn(line);
    if (sample === undefined) return fail('is not in the text format');
    if (sample.labels.size > pageLimits.labels) return fail(`has more than ${pageLimits.labels} labels`);
    if (samples.push(sample) > pageLimits.samples)
      return { kind: 'failed', why: `it has more than ${pageLimits.samples} series` };
  }
  return { kind: 'families', families: grouped(samples, typeOf, helpOf) };
}

function sampleIn(line: string): OwnSample | undefined {
  const [start = '', name] = named.exec(line) ?? [];
  if (name === undefined) return undefined;
  let at = start.length;
  const labels = new Map<string, string>();
  if (line[at] === '{') {
    at += 1;
    for (label.lastIndex = at; ; at = label.lastIndex) {
      const [, key, value] = label.exec(line) ?? [];
      if (key === undefined || value === undefined) break;
      // As Prometheus does: a series has each label once.
      if (labels.has(key)) return undefined;
      labels.set(key, unescaped(value));
    }
    labelsEnd.lastIndex = at;
    if (!labelsEnd.test(line)) return undefined;
    at = labelsEnd.lastIndex;
  }
  const value = numberIn(valued.exec(line.slice(at))?.[1]);
  return value === undefined ? undefined : { name, labels, value };
}

function numberIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return decimal.test(text) ? text : special[text.toLowerCase()];
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (whole, letter: string) => {
    if (letter === 'n') return '\n';
    return letter === '\\' || letter === '"' ? letter : whole;
  });
}

/** Without what could end its line, or an escape that it begins. */
function helpText(text: string): string {
  const short = text.slice(0, pageLimits.helpLength).replace(/\p{Cc}/gu, ' ');
  return short.replace(/\\(?![\\n])|\\\\|\\n/g, (found) => (found.length === 1 ? '\\\\' : found));
}

function grouped(
  samples: readonly OwnSample[],
  typeOf: ReadonlyMap<string, FamilyType>,
  helpOf: ReadonlyMap<string, string>,
): readonly Family[] {
  const found = new Map<string, OwnSample[]>();
  for (const sample of samples) {
    const family = familyOf(sample, typeOf);
    if (family === undefined) continue;
    const others = found.get(family);
    if (others) others.push(sample);
    else found.set(family, [sample]);
  }
  return [...found].map(([name, those]) => ({
    name,
    type: typeOf.get(name) ?? 'untyped',
    help: helpOf.get(name),
    samples: those,
  }));
}

/** The suffixes of the names of a family's samples. */
export const suffixes: { readonly [Type in FamilyType]: readonly string[] } = {
  counter: [''],
  gauge: [''],
  untyped: [''],
  summary: ['', '_sum', '_count'],
  histogram: ['_bucket', '_sum', '_count'],
};

/** `undefined`: it makes no sense in its family. */
function familyOf({ name, labels }: OwnSample, typeOf: ReadonlyMap<string, FamilyType>): string | undefined {
  const own = typeOf.get(name);
  if (own === 'histogram') return undefined;
  if (own === 'summary') return isBound(labels.get('quantile')) ? name : undefined;
  if (own !== undefined) return name;
  const [base = '', suffix = ''] = /^(.+)(_bucket|_sum|_count)$/.exec(name)?.slice(1) ?? [];
  const type = typeOf.get(base);
  if (type === undefined || !suffixes[type].includes(suffix)) return name;
  return suffix !== '_bucket' || isBound(labels.get('le')) ? base : undefined;
}

function isBound(text: string | undefined): boolean {
  return numberIn(text) !== undefined;
}
