import type { RunnerStart, StartStep } from '../../wire/runner-start.ts';
import { stepOf } from './step-of.ts';

type Advice = RunnerStart['advice'][number];

const worthMs = 500;
const worthBytes = 50_000_000;
/** Two starts wrote the same if their bytes differ by less than this part of them. */
const sameShare = 0.1;
const nearShare = 0.5;
const namesShown = 5;

/** What made a start slow, where the steps say so, and nothing that is only likely. */
export function adviceFor(steps: readonly StartStep[], previous: readonly StartStep[]): Advice[] {
  return [
    builtAgain(steps, previous),
    importsInFirstCall(steps),
    writesAgain(steps, previous),
    installs(steps),
    nearTimeout(steps),
  ].filter((advice) => advice !== null);
}

function builtAgain(steps: readonly StartStep[], previous: readonly StartStep[]): Advice | null {
  const [ordered, environment] = [stepOf(steps, 'ordered'), stepOf(steps, 'environment')];
  if (!ordered || !environment?.isBuilt || !stepOf(previous, 'environment')?.isBuilt) return null;
  const savesMs = Math.max(0, environment.at - ordered.at);
  const text =
    'Its environment was built at this start and at the one before. ' +
    'Requirements that stay the same are built once, and found by later starts.';
  return { code: 'environment_built_again', text, savesMs };
}

function importsInFirstCall(steps: readonly StartStep[]): Advice | null {
  const called = stepOf(steps, 'called');
  if (!called || called.imports.ms < worthMs) return null;
  const names = listed(called.imports.modules.map(({ name }) => name));
  const text =
    `The first request imported ${called.imports.count} modules (${names}). ` +
    'Import them at the top of the file or in setup(), so that no caller waits for that.';
  return { code: 'imports_in_first_call', text, savesMs: called.imports.ms };
}

/** What the app wrote with this start and the one before: most likely a download, certainly nothing that was kept. */
function writesAgain(steps: readonly StartStep[], previous: readonly StartStep[]): Advice | null {
  const [now, before] = [stepOf(steps, 'setUp')?.written ?? 0, stepOf(previous, 'setUp')?.written ?? 0];
  if (now < worthBytes || Math.abs(now - before) > now * sameShare) return null;
  const text =
    `setup() wrote ${megabytes(now)} at this start, and as much at the one before. ` +
    'If it downloads weights, keep them below /data and look there first: ' +
    '/data outlives runners, other folders do not.';
  return { code: 'setup_writes_again', text, savesMs: null };
}

function installs(steps: readonly StartStep[]): Advice | null {
  const installed = stepOf(steps, 'setUp')?.installed ?? [];
  if (installed.length === 0) return null;
  const text =
    `Packages were installed while the app started (${listed(installed)}). ` +
    'List them in `requirements`: the environment is built once, and each start does without that.';
  return { code: 'setup_installs', text, savesMs: null };
}

function nearTimeout(steps: readonly StartStep[]): Advice | null {
  const [ordered, process, ready] = [stepOf(steps, 'ordered'), stepOf(steps, 'process'), stepOf(steps, 'ready')];
  if (!ordered || !process || !ready) return null;
  const share = (ready.at - process.at) / ordered.startupTimeoutMs;
  if (share < nearShare) return null;
  const text =
    `This start used ${Math.round(share * 100)} % of startup_timeout (${ordered.startupTimeoutMs / 1000} s). ` +
    'On a slower day it may fail; raise startup_timeout.';
  return { code: 'near_startup_timeout', text, savesMs: null };
}

function listed(names: readonly string[]): string {
  const more = names.length - namesShown;
  return names.slice(0, namesShown).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
