import { aliasName } from '../target/alias-name.ts';
import { printableLines } from '../target/printable.ts';
import type { RequestData, RequestFacts } from '../target/requests.ts';
import { t } from '../words.ts';
import { indented } from './indented.ts';
import { duration } from './row.ts';

/** The characters of a body that the document shows. */
const maxBody = 64 * 1024;
const maxLogs = 500;
/** The status of a request whose caller cancelled it, or left. */
const cancelled = 499;

/** What is known about a request, as the text of a read-only document. `timeOf`: words an instant. Pure. */
export function requestText(
  facts: RequestFacts,
  { data, logs }: { readonly data: RequestData | undefined; readonly logs: readonly { at: number; text: string }[] },
  timeOf: (at: number) => string,
): string {
  const { number, method, path, alias, appName, requestId, history } = facts;
  const name = number === null ? t('Request') : `#${number}`;
  const title = `# ${t('{0} of {1}', `${name} ${method} ${path}`, aliasName(alias, appName))}`;
  return [
    title,
    ['', `- ${stateOf(facts)}`, ...factLines(facts), `- ID: ${requestId}`],
    section(t('Timeline'), timeline(facts, history, timeOf)),
    section(t('Input'), body(data?.input ?? null, t('The input is not stored.'))),
    section(
      t('Output'),
      body(data?.output ?? null, facts.phase === 'COMPLETED' ? t('No answer is stored.') : t('None yet.')),
    ),
    section(t('Logs'), logLines(logs, timeOf)),
    '',
  ]
    .flat()
    .join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', `## ${title}`, '', ...lines];
}

function stateOf({ phase, status, error, exception, submittedAt, completedAt }: RequestFacts): string {
  if (phase === 'IN_QUEUE') return t('in the queue');
  if (phase === 'IN_PROGRESS') return t('running');
  const isFailed = error !== null || exception !== null;
  const took = duration((completedAt ?? submittedAt) - submittedAt);
  if (status === cancelled) return t('cancelled after {0}', took);
  if (status === null) return isFailed ? t('failed after {0}', took) : t('completed after {0}', took);
  return isFailed ? t('failed with {0} after {1}', status, took) : t('completed with {0} after {1}', status, took);
}

function factLines({ why, coldMs, attempts, error, exception }: RequestFacts): readonly string[] {
  const at = exception?.file ? ` (${exception.file}${exception.line === null ? '' : `:${exception.line}`})` : '';
  return [
    ...(why ? [`- ${t('Waits because: {0}', why)}`] : []),
    ...(coldMs === null ? [] : [`- ${t('Cold start: waited {0} for its runner', duration(coldMs))}`]),
    ...(attempts > 1 ? [`- ${t('Attempts: {0}', attempts)}`] : []),
    ...(exception ? [`- ${exception.type}: ${within('  ', exception.message)}${at}`] : []),
    ...(error ? [`- ${t('Error: {0}', within('  ', error))}`] : []),
  ];
}

function timeline(
  { submittedAt, completedAt, status: last }: RequestFacts,
  history: RequestFacts['history'],
  timeOf: (at: number) => string,
): readonly string[] {
  const attempts = history.flatMap(({ number, startedAt, endedAt, runner, status, because }) => {
    const began = `- ${timeOf(startedAt)} ${t('attempt {0} began on runner {1}', number, runner.number)}`;
    if (endedAt === null) return [began];
    const ended = status === null ? t('attempt {0} ended', number) : t('attempt {0} ended with {1}', number, status);
    return [began, `- ${timeOf(endedAt)} ${ended}${because === null ? '' : `: ${because}`}`];
  });
  const end =
    completedAt === null ? [] : [`- ${timeOf(completedAt)} ${last === cancelled ? t('cancelled') : t('completed')}`];
  return [`- ${timeOf(submittedAt)} ${t('submitted')}`, ...attempts, ...end];
}

function moreCharacters(count: number): string {
  return count === 1 ? t('1 more character') : t('{0} more characters', count);
}

function body(data: RequestData['input'] | RequestData['output'], otherwise: string): readonly string[] {
  if (!data) return [otherwise];
  const { base64, bytes, contentType } = data;
  const kind = contentType?.split(';', 1)[0] ?? '';
  if (base64 === null) return [t('{0} bytes of {1}: too large to be shown.', bytes, kind || t('data'))];
  if (bytes === 0) return [t('Empty.')];
  const isText = kind === '' || /json|text|xml|urlencoded/.test(kind);
  if (!isText) return [t('{0} bytes of {1}.', bytes, kind)];
  const text = pretty(new TextDecoder().decode(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))));
  const shown = text.length > maxBody ? `${text.slice(0, maxBody)}\n… ${moreCharacters(text.length - maxBody)}` : text;
  // A fence that the text doesn't contain.
  const fence = '`'.repeat(Math.max(3, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return [`${fence}${kind.includes('json') ? 'json' : ''}`, shown, fence];
}

/** Its numbers stay as they are: a seed may have 64 bits. */
function pretty(text: string): string {
  try {
    JSON.parse(text);
    return indented(text, 64 * maxBody) ?? text;
  } catch {
    return text;
  }
}

/** Further lines belong to their list or code block, whatever they begin with. */
function within(indent: string, text: string): string {
  return printableLines(text).replaceAll('\n', `\n${indent}`);
}

function logLines(logs: readonly { at: number; text: string }[], timeOf: (at: number) => string): readonly string[] {
  if (logs.length === 0) return [t('No lines.')];
  const left = logs.length - maxLogs;
  const more = left > 0 ? [`    … ${left === 1 ? t('1 earlier line') : t('{0} earlier lines', left)}`] : [];
  return [...more, ...logs.slice(-maxLogs).map(({ at, text }) => `    ${timeOf(at)}  ${within('    ', text)}`)];
}
