import type { ReloadRow } from '../target/reload.ts';
import { t } from '../words.ts';
import { clockTime, type Fact, fact } from './row.ts';

const maxTexts = 8;

/** What became of the last save of a run, and why that equals a restart: the lines of its tooltip. Pure. */
export function reloadFacts(reload: ReloadRow): readonly Fact[] {
  const { at, sentence, cause, reason, error, certificate, audit } = reload;
  const where = error?.file ? ` (${error.file}${error.line === null ? '' : `:${error.line}`})` : '';
  const trail = reason?.trail ?? [];
  return [
    fact(t('Reloaded at {0}', clockTime(at)), error ? `${error.message}${where}` : sentence),
    ...(cause === null ? [] : [fact(t('Saved'), cause)]),
    ...(audit ? [fact(t('Audit'), audit.sentence.replace(/^Audit: /, ''))] : []),
    ...(trail.length > 0 ? [fact(t('Because of'), trail.join(' <- '))] : []),
    ...entries(certificate),
  ];
}

/** What a certificate has for people, in order; the rest is for programs. */
const labels = (): { readonly [name: string]: string } => ({
  changed: t('Changed'),
  kept: t('Kept'),
  reached: t('Reached by setup()'),
  compared: t('Compared'),
  ignored: t('Different at each import'),
  operations: t('Operations'),
});

function entries(certificate: ReloadRow['certificate']): readonly Fact[] {
  return Object.entries(labels()).flatMap(([name, label]) => {
    const text = textOf(certificate?.[name]);
    return text === '' ? [] : [fact(label, text)];
  });
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return `${value}`;
  if (Array.isArray(value)) return listed(value);
  return typeof value === 'object' && value !== null
    ? listed(Object.entries(value).map(([name, one]) => `${name} ${textOf(one)}`))
    : '';
}

function listed(values: readonly unknown[]): string {
  const texts = values.map(textOf).filter((text) => text !== '');
  const more = texts.length - maxTexts;
  return [...texts.slice(0, maxTexts), ...(more > 0 ? [t('{0} more', more)] : [])].join(', ');
}
