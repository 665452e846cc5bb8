import {
  isPlatformVariable,
  type OwnSecrets,
  ownSecretsSchema,
  type SecretChanges,
  secretName,
  secretValue,
} from '../../emulator/wire/secrets.ts';
import { ask } from './ask.ts';
import { readText, send } from './calls.ts';

export type SecretNames = OwnSecrets['secrets'];

/** The names of the emulator's secrets; `undefined`: no emulator answers. */
export async function askSecrets(folder: string): Promise<SecretNames | undefined> {
  return (await ask(folder, '/minifal/secrets', ownSecretsSchema))?.secrets;
}

/**
 * Sets and removes secrets. The values are in the body alone.
 * @returns why the emulator refused; `undefined`: it is done
 * @throws errors of the connection
 */
export async function changeSecrets(folder: string, changes: SecretChanges): Promise<string | undefined> {
  const order = {
    ...({ host: 'api', method: 'POST', path: '/minifal/secrets' } as const),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(changes),
  };
  const response = await send(folder, order, AbortSignal.timeout(10_000));
  const text = await readText(response);
  return response.status === 200 ? undefined : text;
}

/** Why no secret can have this name or value; `undefined`: it can. */
export function secretFault(name: string, value = ''): 'name' | 'platform' | 'value' | undefined {
  if (!secretName.safeParse(name).success) return 'name';
  if (isPlatformVariable(name)) return 'platform';
  return secretValue.safeParse(value).success ? undefined : 'value';
}
