import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { EngineApi } from '../../local/docker/api.ts';

const startedSchema = z.object({ Pid: z.number().nullish() });

/**
 * Kills a command in a container with the processes of its group. The engine can't do this itself, and closing the
 * connection leaves the command running.
 * @returns false if the command's number in the container isn't known, as with an engine in a virtual machine
 */
export async function killInContainer(
  api: EngineApi,
  { id, exec }: { readonly id: string; readonly exec: string },
): Promise<boolean> {
  const { Pid } = await api.ask({ method: 'GET', path: `/exec/${exec}/json` }, startedSchema);
  const inside = Pid ? await pidInside(Pid) : undefined;
  if (inside === undefined) return false;
  const killer = await api.create({
    path: `/containers/${id}/exec`,
    body: { User: '0', Cmd: ['/bin/sh', '-c', `kill -9 -${inside} ${inside}`] },
  });
  await api.send({ method: 'POST', path: `/exec/${killer}/start`, body: { Detach: true } });
  return true;
}

/** The number of a process of this machine in its own namespace. */
async function pidInside(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const numbers = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
  return numbers.length > 1 ? numbers.at(-1) : undefined;
}
