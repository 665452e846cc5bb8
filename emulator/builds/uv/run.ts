import { trustAdvice } from '../../local/trust.ts';
import { withoutLogins } from '../../telemetry/masking/logins.ts';
import { runTool, type ToolExit } from '../tool.ts';

export interface UvCall {
  readonly uv: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** Masks secrets in output. */
  readonly mask: (text: string) => string;
  readonly line: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** uv could not reach the package index at all (as opposed to an index that answered with a refusal). */
const unreachable = /error sending request|dns error|client error \(Connect\)|network is unreachable/i;

/**
 * Runs uv. If the index can't be reached, tries again with cached packages alone: once its packages are cached, an
 * environment needs no network. Runs in the root folder, so that no `pyproject.toml` around the data folder has any
 * effect.
 */
export async function runUv(call: UvCall): Promise<ToolExit> {
  const shown = (text: string) => withoutLogins(call.mask(text));
  const run = async (env: UvCall['env']): Promise<ToolExit> => {
    const exit = await runTool({
      command: call.uv,
      args: call.args,
      cwd: '/',
      env,
      line: (text) => call.line(shown(text)),
      ...(call.signal ? { signal: call.signal } : {}),
    });
    return { code: exit.code, output: exit.output.map(shown) };
  };
  const first = await run(call.env);
  if (first.code === 0 || call.signal?.aborted || call.env.UV_OFFLINE) return first;
  if (!first.output.some((text) => unreachable.test(text))) return first;
  call.line("The package index can't be reached; trying with cached packages only.");
  const second = await run({ ...call.env, UV_OFFLINE: '1' });
  return second.code === 0 ? second : first;
}

/**
 * The last lines of a tool's output, and the next step if it is known, short enough for a gRPC status: metadata is
 * limited to 8 KiB, and characters other than ASCII are percent-encoded there.
 */
export function lastOutput(exit: ToolExit): string {
  const error = exit.output.findIndex((text) => /^\s*(error\b|×)/.test(text));
  const text = exit.output
    .slice(error < 0 ? -20 : error)
    .join('\n')
    .trim();
  const shown =
    text.length > 2000 ? `${text.slice(0, 1000)} … ${text.slice(-1000)}` : text || 'it ended without any output.';
  const advice = trustAdvice(text);
  return advice === undefined ? shown : `${shown}\n${advice}`;
}
