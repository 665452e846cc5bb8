import { type SecretNames, secretFault } from '../target/secrets.ts';
import { t } from '../words.ts';

/** What would become of one line of a `.env` file. */
export interface ImportedSecret {
  readonly name: string;
  /** Never shown. */
  readonly value: string;
  /** `refused`: no secret can have this name or value. `empty`: there is nothing to set. */
  readonly becomes: 'new' | 'replaced' | 'empty' | 'refused';
  /** Only with `refused`. */
  readonly fault?: ReturnType<typeof secretFault>;
}

/** The secrets that the variables of a `.env` file would be in an environment, by name. Pure. */
export function importPlan(
  variables: ReadonlyMap<string, string>,
  known: SecretNames,
  environment = 'main',
): readonly ImportedSecret[] {
  const names = new Set(known.filter((one) => one.environment === environment).map(({ name }) => name));
  const lines = [...variables].sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([name, value]) => {
    const fault = secretFault(name, value);
    if (fault) return { name, value, becomes: 'refused', fault };
    if (value === '') return { name, value, becomes: 'empty' };
    return { name, value, becomes: names.has(name) ? 'replaced' : 'new' };
  });
}

const namedLines = 5;

/** Which lines of a `.env` file set nothing; `undefined`: none. Pure. */
export function skippedText(lines: readonly number[]): string | undefined {
  if (lines.length === 0) return undefined;
  const named = lines.slice(0, namedLines).join(', ');
  const more = lines.length - namedLines;
  if (lines.length === 1) return t('Line {0} is skipped, because it is not NAME=value. Values are not shown.', named);
  if (more <= 0) return t('Lines {0} are skipped, because they are not NAME=value. Values are not shown.', named);
  return t('Lines {0} and {1} more are skipped, because they are not NAME=value. Values are not shown.', named, more);
}
