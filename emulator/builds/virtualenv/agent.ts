import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastOutput, runUv, type UvCall } from '../uv/run.ts';

/**
 * The packages that every runner needs in addition to the app's own requirements
 * (docs/platform/runner-process.md#launch): cloudpickle loads the callable, isolate provides grpc and the SetMetadata
 * stubs. Not `fal`: it is pickled with the app, and fal's own test (test_missing_dependencies_nested_server_error)
 * shows that the platform's runners don't have it.
 */
const packages = ['cloudpickle==3.1.2', 'isolate[server]==0.26.12', 'isolate-proto==0.34.5'];

/**
 * Dependencies of isolate that runners don't use. They are left out because apps import packages of the same names: an
 * app that forgot `pyyaml` in its requirements must fail here as it fails in the cloud.
 */
const leftOut = ['distlib', 'filelock', 'python-discovery', 'pyyaml', 'virtualenv'];

/** Changes whenever the agent's packages change; part of every environment's hash. */
export const agentPin = createHash('sha256')
  .update([...packages, ...leftOut.map((name) => `!${name}`)].join('\n'))
  .digest('hex')
  .slice(0, 16);

export type AgentResult =
  | { readonly ok: true; readonly folder: string }
  | { readonly ok: false; readonly reason: string };

/** Packages that runners get after the app's own, and the name of their folder: content and Python version. */
export interface RunnerPackages {
  readonly name: string;
  readonly packages: readonly string[];
  readonly leftOut: readonly string[];
  /** Their name in the sentence that says that they can't be installed. */
  readonly what: string;
}

const ownPackages = "the runner's own packages";

/** The agent's packages for a Python version (`3.11`). */
export function agentPackages(minor: string): RunnerPackages {
  return { name: `${minor}-${agentPin}`, packages, leftOut, what: ownPackages };
}

/**
 * A release of the SDK with all it requires, for apps whose pickle holds the module `fal` itself (sdk-release.ts). Such
 * a pickle refers to the SDK's dependencies by name, and to `fal` where a type can't travel by value
 * (`fal.api.api.ArgsT`).
 */
export function sdkPackages(minor: string, release: string): RunnerPackages {
  return { name: `${minor}-fal-${release}`, packages: [`fal==${release}`], leftOut: [], what: ownPackages };
}

/**
 * Installs a runner's packages once, into a folder of their own that comes *after* the environment's packages on the
 * module path (isolate does the same with `AGENT_REQUIREMENTS_TXT`). Python takes a package as a whole from the first
 * folder that has it: an app's own grpc, protobuf or pydantic takes precedence in every module, and is never
 * overwritten. Packages that an app lacks come from here, in versions that are compatible with each other. The folder
 * is `<agentsDir>/<name>`, and exists only when it is complete.
 * @param python uv's options that say which Python it is
 */
export async function installAgent(
  agentsDir: string,
  { name, packages, leftOut, what }: RunnerPackages,
  python: readonly string[],
  call: Pick<UvCall, 'uv' | 'env' | 'mask' | 'line'>,
): Promise<AgentResult> {
  const folder = join(agentsDir, name);
  if (existsSync(folder)) return { ok: true, folder };
  const temporary = join(agentsDir, `tmp-${randomBytes(6).toString('hex')}`);
  const [excludes, wanted] = [`${temporary}.txt`, `${temporary}.in`];
  await mkdir(agentsDir, { recursive: true });
  try {
    await writeFile(excludes, leftOut.join('\n'));
    // Not as arguments: every process can read those of others, and requirements may hold passwords.
    await writeFile(wanted, packages.join('\n'), { mode: 0o600 });
    const target = [...python, '--target', temporary, '--excludes', excludes, '-r', wanted];
    const exit = await runUv({ ...call, args: ['pip', 'install', '--quiet', ...target] });
    if (exit.code !== 0)
      return { ok: false, reason: `Failure during 'uv pip install' of ${what}: ${lastOutput(exit)}` };
    await rename(temporary, folder);
    return { ok: true, folder };
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(excludes, { force: true });
    await rm(wanted, { force: true });
  }
}

/** Removes the remains of interrupted installations. Only at start-up. */
export async function cleanAgents(agentsDir: string): Promise<void> {
  const entries = await readdir(agentsDir).catch(() => []);
  for (const entry of entries.filter((name) => name.startsWith('tmp-'))) {
    await rm(join(agentsDir, entry), { recursive: true, force: true }).catch(() => {});
  }
}
