import type { ReloadRow } from '../target/reload.ts';
import { t } from '../words.ts';
import { clockTime, type Fact, fact } from './row.ts';

const maxTexts = 8;

/**
 * What became of the last save of a run, and why that equals a restart: the lines of its tooltip. `folder`: ends with a
 * separator; files in it are shown without it. Pure.
 */
export function reloadFacts(reload: ReloadRow, folder = ''): readonly Fact[] {
  const { at, sentence, cause, reason, error, certificate, audit } = reload;
  const shown = (file: string) => (file.startsWith(folder) ? file.slice(folder.length) : file);
  const where = error?.file ? ` (${shown(error.file)}${error.line === null ? '' : `:${error.line}`})` : '';
  const trail = reason?.trail ?? [];
  return [
    {
      ...fact(t('Reloaded at {0}', clockTime(at)), error ? `${error.message}${where}` : sentence),
      beginsPart: true,
    },
    ...(cause === null ? [] : [fact(t('Saved'), shown(cause))]),
    ...(audit ? [fact(t('Audit'), audit.sentence.replace(/^Audit: /, ''))] : []),
    ...(trail.length > 0 ? [fact(t('Because of'), trail.join(' <- '))] : []),
    ...entries(certificate),
    ...compared(certificate),
  ];
}

/** What a certificate has for people, in order; the rest is for programs. */
const labels = (): { readonly [name: string]: string } => ({
  changed: t('Changed'),
  kept: t('Kept'),
  reaches: t('Reached by setup(), unchanged'),
  ignored: t('Different at each import'),
});

/** How many functions, classes and values were compared, and how many of them run with setup(). */
function compared(certificate: ReloadRow['certificate']): readonly Fact[] {
  const { compared: all, reached } = certificate ?? {};
  if (typeof all !== 'number' || typeof reached !== 'number') return [];
  return [fact(t('Compared'), t('{0} functions, classes and values; setup() reaches {1}', all, reached))];
}

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
