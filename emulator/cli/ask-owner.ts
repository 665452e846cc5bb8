import { z } from 'zod';
import { dataFolder, findRunning, readLocalKey } from '../local/data-folder.ts';
import { tryJson } from '../local/try-json.ts';
import { type UserErrorCode, userErrorCodes } from '../wire/error-codes.ts';
import { UserError } from '../wire/errors.ts';
import { type Answer, ask } from './ask.ts';
import type { CliOptions } from './line/options.ts';
import { notRunning } from './not-running.ts';
import { refuseOthers } from './others.ts';
import { ownCall } from './own-command.ts';

/** The api port of the emulator of the data folder (or `--port`), and the folder's key. @throws UserError */
export function owned(options: Pick<CliOptions, 'data' | 'port'>): { readonly port: number; readonly key: string } {
  const folder = dataFolder(options.data);
  refuseOthers(folder);
  const port = options.port ?? findRunning(folder)?.ports.api;
  const key = readLocalKey(folder);
  if (port === undefined || !key) throw notRunning(folder, options.data);
  return { port, key };
}

/** Asks the emulator as its owner; POST if there is a body. @throws UserError: no answer, or a wrong key */
export async function askOwner(
  emulator: { readonly port: number; readonly key: string; readonly patienceMs?: number },
  path: string,
  body?: object,
): Promise<Answer> {
  const { port, key, patienceMs = 10_000 } = emulator;
  const answer = await ask(port, path, patienceMs, { authorization: `Key ${key}` }, body);
  if (answer === undefined) {
    throw new UserError(
      'NOT_RUNNING',
      `Nothing answers on port ${port}.`,
      `Start the emulator with \`${ownCall('start')}\`.`,
    );
  }
  if (answer === 'silent') {
    throw new UserError(
      'NO_ANSWER',
      `The emulator on port ${port} has not answered for ${patienceMs / 1000} s.`,
      `If Ctrl+Z suspended it, resume it with \`fg\` in its terminal, or stop it with \`${ownCall('stop')}\`.`,
    );
  }
  if (answer.status === 401) {
    throw new UserError(
      'KEY_UNKNOWN',
      `The emulator on port ${port} does not accept this key.`,
      'Set --data to the data folder of that emulator.',
    );
  }
  return answer;
}

const refusalSchema = z.object({
  detail: z.string(),
  code: z.enum(Object.keys(userErrorCodes) as [UserErrorCode, ...UserErrorCode[]]),
});

/** What the emulator refused, with `next` as the next step; `undefined`: the body is no refusal of ours. */
export function refusalIn(body: string, next: string): UserError | undefined {
  const refused = refusalSchema.safeParse(tryJson(body)).data;
  return refused && new UserError(refused.code, refused.detail, next);
}

export function otherVersion(port: number): UserError {
  return new UserError(
    'VERSION_DIFFERS',
    `The program on port ${port} is not this version of minifal.`,
    'Stop it and start minifal again.',
  );
}
