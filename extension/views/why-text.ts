import { printableLines } from '../target/printable.ts';
import type { Diagnosis } from '../target/why.ts';
import { t } from '../words.ts';

/** The name of what was asked about. `appName`: that of its app. Pure. */
export function subjectName({ subject }: Pick<Diagnosis, 'subject'>, appName: string): string {
  const { kind, number, id } = subject;
  if (kind === 'app') return appName;
  if (kind === 'runner') return t('runner {0} of {1}', number ?? id, appName);
  return t('request {0} of {1}', number === null ? id : `#${number}`, appName);
}

/** A diagnosis as the text of a read-only document; its sentences are the emulator's. Pure. */
export function whyText(diagnosis: Diagnosis, appName: string): string {
  const { cause, summary, evidence, change, next } = diagnosis;
  const lines = [
    `# ${t('State of {0}', subjectName(diagnosis, appName))}`,
    '',
    summary,
    ...section(t('What was observed'), evidence),
    ...section(t('What would change it'), change === null ? [] : [change]),
    ...section(t('Next step'), next === null ? [] : [next]),
    '',
    t('Cause: {0}', cause),
    '',
  ];
  return lines.map(printableLines).join('\n');
}

function section(title: string, sentences: readonly string[]): readonly string[] {
  return sentences.length === 0 ? [] : ['', `## ${title}`, '', ...sentences.map((sentence) => `- ${sentence}`)];
}
