import { type AppRevisions, appRevisionsSchema } from '../../emulator/wire/app-revisions.ts';
import type { RunScaling } from '../../emulator/wire/reload.ts';
import { ask } from './ask.ts';
import { callEmulator } from './requests.ts';

const pathOf = (alias: string) => `/minifal/apps/${encodeURIComponent(alias)}`;

/** The revisions of a deployed app; `undefined`: it isn't deployed, or no emulator answers. */
export function askRevisions(folder: string, alias: string): Promise<AppRevisions | undefined> {
  return ask(folder, `${pathOf(alias)}/revisions`, appRevisionsSchema);
}

/** Like `fal apps delete`. `true`: it is deleted, or was not there. */
export async function deleteApp(folder: string, alias: string): Promise<boolean> {
  const status = await callEmulator(folder, { port: 'api', method: 'DELETE', path: pathOf(alias) });
  return status !== undefined && (status < 300 || status === 404);
}

export type { RunScaling };

/** `true`: the run scales so from now on. */
export async function setScaling(folder: string, alias: string, scaling: RunScaling): Promise<boolean> {
  const status = await callEmulator(folder, {
    ...{ port: 'api', method: 'PUT', path: `/minifal/runs/${encodeURIComponent(alias)}/scaling` },
    contentType: 'application/json',
    body: new TextEncoder().encode(JSON.stringify({ scaling })),
  });
  return status === 200;
}
