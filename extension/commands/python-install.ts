import { execFile } from 'node:child_process';
import * as vscode from 'vscode';
import { signalOf } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { t } from '../words.ts';
import { uvFailure } from '../workspace/uv-failure.ts';
import { pathIn } from '../workspace/uv-pythons.ts';

/**
 * Has uv download and install a version of Python for this user, with progress, cancellable.
 * @returns the interpreter
 * @throws Problem, Cancelled
 */
export async function installPythonWithUv(
  uv: string | undefined,
  version: string,
  env: NodeJS.ProcessEnv,
  log: vscode.LogOutputChannel,
): Promise<string> {
  if (uv === undefined) throw new Problem(t('uv is not installed on this machine.'), 'howToInstallUv');
  const title = t('Installing Python {0} with uv', version);
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (_progress, token) => {
    const signal = signalOf(token);
    // Builds never download a Python; here, the user asked for it.
    const asked = { ...env, UV_PYTHON_DOWNLOADS: 'manual' };
    await run(uv, ['python', 'install', version], asked, signal, version, log);
    const found = await run(uv, ['python', 'find', '--managed-python', version], asked, signal, version, log);
    const python = pathIn(found);
    if (python === undefined) throw new Problem(t('Python {0} could not be found after its installation.', version));
    return python;
  });
}

function run(
  uv: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  version: string,
  log: vscode.LogOutputChannel,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(uv, [...args], { env, signal, cwd: '/' }, (error, stdout, stderr) => {
      for (const line of `${stdout}${stderr}`.split('\n')) if (line.trim() !== '') log.info(`[uv] ${line}`);
      if (!error) return resolve(stdout);
      if (signal.aborted) return reject(new Cancelled());
      const why = uvFailure(stderr, t('the server that uv downloads Python from'));
      reject(new Problem(t('Python {0} could not be installed: {1}', version, why), 'howToInstallPython'));
    });
  });
}
