import { execFile } from 'node:child_process';
import type { Gpu } from './gpu.ts';
import { gpuFields, gpuQuery, parseGpus, parseParts, program, saysNoGpus, unknownField } from './nvidia-smi.ts';

type Env = { readonly [name: string]: string | undefined };

/** What is known about this machine's GPUs; `warnings`: sentences for people. */
export interface FoundGpus {
  readonly gpus: readonly Gpu[];
  readonly warnings: readonly string[];
}

/** A driver that wakes a sleeping GPU takes 2 s, a broken one may never answer. */
const patienceMs = 5_000;
const maxBytes = 1024 * 1024;

/**
 * Asks nvidia-smi which GPUs there are. A machine without it has none. `CUDA_VISIBLE_DEVICES`, as for every CUDA
 * program, restricts which of them may be used. Never rejects.
 */
export async function findGpus(env: Env): Promise<FoundGpus> {
  let fields = gpuFields;
  let answer = await ask(gpuQuery(fields), env);
  for (let left = gpuFields.length; left > 0 && answer.kind === 'failed'; left -= 1) {
    const unknown = unknownField(answer.text);
    if (unknown === undefined || !fields.includes(unknown)) break;
    fields = fields.filter((field) => field !== unknown);
    answer = await ask(gpuQuery(fields), env);
  }
  if (answer.kind === 'absent') return { gpus: [], warnings: [] };
  const { found, warnings } = parseGpus(answer.text, fields);
  // With a GPU that fails, nvidia-smi may fail as well, and still list the others.
  if (found.length === 0 && saysNoGpus(answer.text)) return { gpus: [], warnings: [] };
  const problems = answer.kind === 'failed' && warnings.length === 0 ? [answer.why] : warnings;
  return { gpus: usable(await withParts(found, env), env.CUDA_VISIBLE_DEVICES), warnings: problems };
}

/** Replaces each divided GPU by its parts: it can't be used as a whole. */
async function withParts(found: ReturnType<typeof parseGpus>['found'], env: Env): Promise<readonly Gpu[]> {
  const listing = found.some(({ divided }) => divided) ? await ask(['-L'], env) : undefined;
  const parts = parseParts(listing?.kind === 'answered' ? listing.text : '');
  return found.flatMap(({ divided, ...gpu }) => (divided ? (parts.get(gpu.uuid) ?? []) : [gpu]));
}

/** The GPUs that CUDA_VISIBLE_DEVICES names, in its order; as in CUDA, the first unknown name ends the list. */
function usable(gpus: readonly Gpu[], visible: string | undefined): readonly Gpu[] {
  if (visible === undefined) return gpus;
  const chosen: Gpu[] = [];
  for (const name of visible.split(',').map((part) => part.trim())) {
    const gpu = gpus.find(({ uuid, index }) => String(index) === name || (name.length > 4 && uuid.startsWith(name)));
    if (gpu === undefined || chosen.includes(gpu)) break;
    chosen.push(gpu);
  }
  return chosen;
}

type Answer =
  | { readonly kind: 'answered' | 'failed'; readonly text: string; readonly why: string }
  | { readonly kind: 'absent' };

function ask(args: readonly string[], env: Env): Promise<Answer> {
  const options = { env: { ...env, LC_ALL: 'C' }, timeout: patienceMs, maxBuffer: maxBytes, killSignal: 'SIGKILL' };
  return new Promise((resolve) => {
    try {
      execFile(program, [...args], options as Parameters<typeof execFile>[2], (error, stdout, stderr) => {
        const text = `${stdout}\n${stderr}`;
        if (error === null) return resolve({ kind: 'answered', text, why: '' });
        if (error.code === 'ENOENT') return resolve({ kind: 'absent' });
        resolve({ kind: 'failed', text, why: whyOf(error, text) });
      });
    } catch (error) {
      resolve({ kind: 'failed', text: '', why: `nvidia-smi could not be started: ${String(error)}` });
    }
  });
}

function whyOf(error: { readonly killed?: boolean | undefined; readonly message: string }, text: string): string {
  if (error.killed) return `nvidia-smi has not answered for ${patienceMs / 1000} s.`;
  const first = text.split('\n').find((line) => line.trim() !== '') ?? error.message;
  return `nvidia-smi printed: ${first.trim().slice(0, 300)}`;
}
