import { age } from '../../local/age.ts';
import { printable, printableJson } from '../../local/printable.ts';
import { tryJson } from '../../local/try-json.ts';
import { type Status, statusSchema } from '../../wire/status.ts';
import { askOwner, otherVersion, owned } from '../ask-owner.ts';
import type { CliOptions } from '../line/options.ts';
import { printText } from '../print.ts';

/** `minifal status`: asks the emulator of the data folder (or the one on `--port`) and prints what runs. */
export async function status(options: CliOptions): Promise<number> {
  const { port, key } = owned(options);
  const state = await fetchStatus(port, key);
  printText(options.json ? printableJson(state) : describe(state, port, Date.now()));
  return 0;
}

/** Reads the state of the emulator whose api port is given. `patienceMs`: how long the answer may take. */
export async function fetchStatus(port: number, key: string, patienceMs = 10_000): Promise<Status> {
  const answer = await askOwner({ port, key, patienceMs }, '/minifal/status');
  const parsed = statusSchema.safeParse(tryJson(answer.body));
  if (answer.status !== 200 || !parsed.success) throw otherVersion(port);
  return parsed.data;
}

/** Text for a terminal; pure. */
export function describe(state: Status, port: number, now: number): string {
  const lines = [
    `minifal ${state.version}, pid ${state.pid}, up ${age(now - state.startedAt, 1)}, api on localhost:${port}`,
  ];
  if (state.secrets === 'sealed')
    lines.push("Secrets are sealed by VS Code's keychain: start the emulator from VS Code to open them.");
  if (state.timeScale !== 1)
    lines.push(`time scale x${state.timeScale}: durations marked with it are in platform time, not real time`);
  const { mode, missing } = state.isolation;
  if (missing.length > 0)
    lines.push(`isolation ${mode}, without: ${missing.map(({ part, why }) => `${part} (${oneLine(why)})`).join(', ')}`);
  lines.push(...state.gpus.map((gpu) => gpuLine(gpu, state)));
  if (state.trouble !== null) lines.push('', state.trouble);
  for (const app of state.apps) {
    lines.push(
      '',
      `${state.owner}/${app.alias}  (${app.authMode}, revision ${app.revision.slice(0, 8)})`,
      `  ${app.url}`,
    );
    const waiting = state.waiting.filter((request) => request.alias === app.alias);
    if (app.queueSize > 0) lines.push(`  ${app.queueSize} waiting${waiting[0] ? `: ${oneLine(waiting[0].why)}` : ''}`);
    // The reason of a waiting request already names the failure.
    if (app.lastFailure !== null && app.queueSize === 0)
      lines.push(`  the last start failed: ${oneLine(app.lastFailure)}`);
    lines.push(...runnerLines(state, app.alias, now));
  }
  const others = state.runners.filter(
    (runner) => !state.apps.some((app) => app.alias === runner.alias) && runner.endedAt === null,
  );
  for (const alias of new Set(others.map((runner) => runner.alias))) {
    lines.push('', `${alias}  (ephemeral)`, ...runnerLines(state, alias, now));
  }
  if (state.apps.length === 0)
    lines.push('', 'No app is deployed yet. Set the variables of `minifal env`, then run `fal deploy`.');
  return `${lines.join('\n')}\n`;
}

function gpuLine({ index, name, memoryMib, virtual, runners, now }: Status['gpus'][number], state: Status): string {
  const users = runners.map(({ id, memoryMib: own }) => {
    const alias = state.runners.find((runner) => runner.id === id)?.alias ?? id.slice(0, 8);
    return own === null ? alias : `${alias} (${own} MiB)`;
  });
  const used = [
    ...(now?.memoryUsedMib == null ? [] : [`${now.memoryUsedMib} of ${memoryMib ?? '?'} MiB`]),
    ...(now?.utilization == null ? [] : [`${now.utilization} %`]),
    ...(now?.powerWatts == null ? [] : [`${Math.round(now.powerWatts)} W`]),
    ...(now?.celsius == null ? [] : [`${now.celsius} °C`]),
  ];
  const parts = [users.length > 0 ? `used by ${users.join(', ')}` : 'free', ...used];
  return `${virtual ? 'virtual ' : ''}GPU ${index}  ${printable(name)}  ${parts.join(', ')}`;
}

/** A reason may hold the many lines of a build; they must not look like lines of ours. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(' '));
}

function runnerLines(state: Status, alias: string, now: number): string[] {
  return state.runners
    .filter((runner) => runner.alias === alias && runner.endedAt === null)
    .map((runner) => {
      const busy = runner.requests.length > 0 ? `, ${runner.requests.length} in flight` : '';
      const since = age(now - runner.since, state.timeScale);
      return `  runner ${runner.number} (${runner.id.slice(0, 8)})  ${runner.state} for ${since}${busy}`;
    });
}
