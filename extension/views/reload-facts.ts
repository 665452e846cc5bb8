import type { ReloadRow } from '../target/reload.ts';
import { t } from '../words.ts';
import { clockTime, type Fact, fact } from './row.ts';

const maxEntries = 12;
const maxTexts = 8;

/** What became of the last save of a run, and why that equals a restart: the lines of its tooltip. Pure. */
export function reloadFacts(reload: ReloadRow): readonly Fact[] {
  const { at, sentence, cause, reason, error, certificate } = reload;
  const where = error?.file ? ` (${error.file}${error.line === null ? '' : `:${error.line}`})` : '';
  const trail = reason?.trail ?? [];
  return [
    fact(t('Reloaded at {0}', clockTime(at)), error ? `${error.message}${where}` : sentence),
    ...(cause === null ? [] : [fact(t('Saved'), cause)]),
    ...(trail.length > 0 ? [fact(t('Because of'), trail.join(' <- '))] : []),
    ...entries(certificate),
  ];
}

/** The certificate's own names and values: texts, numbers, and lists of texts. */
function entries(certificate: ReloadRow['certificate']): readonly Fact[] {
  return Object.entries(certificate ?? {})
    .flatMap(([name, value]) => {
      const text = textOf(value);
      return text === '' ? [] : [fact(name.replaceAll('_', ' '), text)];
    })
    .slice(0, maxEntries);
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  if (!Array.isArray(value)) return '';
  const texts = value.flatMap((one) => (typeof one === 'string' || typeof one === 'number' ? [`${one}`] : []));
  const more = texts.length - maxTexts;
  return [...texts.slice(0, maxTexts), ...(more > 0 ? [t('{0} more', more)] : [])].join(', ');
}
