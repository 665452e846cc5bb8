import { printable, printableJson } from '../../local/printable.ts';
import { tryJson } from '../../local/try-json.ts';
import { type Diagnosis, diagnosisSchema } from '../../wire/diagnosis.ts';
import { UserError } from '../../wire/errors.ts';
import { askOwner, otherVersion, owned } from '../ask-owner.ts';
import type { CliOptions } from '../line/options.ts';
import { printText } from '../print.ts';

const usage = 'Use `minifal why ID` with the number or id of a request, the id of a runner, or the name of an app.';

/** `minifal why ID`: why a request, a runner or an app waits, or how it is. `words`: those after `why`. */
export async function why(words: readonly string[], options: CliOptions): Promise<number> {
  const [id, ...more] = words;
  if (id === undefined || more.length > 0)
    throw new UserError('ARGUMENT_INVALID', `Unexpected arguments: why ${words.join(' ')}`.trim(), usage);
  const emulator = owned(options);
  const { status, body } = await askOwner(emulator, `/minifal/why/${encodeURIComponent(id)}`);
  if (status === 404) {
    const missing = `There is no request, runner or app ${id}.`;
    throw new UserError('SUBJECT_UNKNOWN', missing, '`minifal status` shows apps, runners and waiting requests.');
  }
  const parsed = diagnosisSchema.safeParse(tryJson(body));
  if (!parsed.success) throw otherVersion(emulator.port);
  printText(options.json ? printableJson(parsed.data) : describe(parsed.data));
  return 0;
}

/** Text for a terminal; pure. */
export function describe({ subject, cause, summary, evidence, change, next }: Diagnosis): string {
  const { kind, number, alias } = subject;
  const mark = kind === 'request' ? '#' : '';
  const name = kind === 'app' ? alias : `${kind} ${number === null ? subject.id : `${mark}${number}`} of ${alias}`;
  const lines = [
    `${name}: ${cause}`,
    `  ${summary}`,
    ...evidence.map((one) => `  - ${one}`),
    ...(change === null ? [] : [`  What would change it: ${change}`]),
    ...(next === null ? [] : [`  Next step: ${next}`]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}
