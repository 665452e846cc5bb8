import { toolEnvironment } from '../../emulator/local/uv/tool-env.ts';
import { ensureUv, findUv } from '../../emulator/local/uv/uv.ts';
import { UserError } from '../../emulator/wire/errors.ts';
import type { Failure } from './error-codes.ts';

export { findUv, toolEnvironment };

/**
 * The path of the uv that the emulator would use; pip installs it into `toolsDir` if the machine has none.
 * @returns the reason if it can't be installed
 */
export async function uvOrFailure(toolsDir: string, env: NodeJS.ProcessEnv): Promise<string | Failure> {
  try {
    return await ensureUv({ toolsDir, env });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: error.code, message: error.message, next: error.next };
  }
}
