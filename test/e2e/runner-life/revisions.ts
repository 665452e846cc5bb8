import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadServices } from '../../../emulator/wire/services.ts';
import { lastJson } from '../../support/project.ts';
import { until } from '../../support/wait.ts';
import {
  answered,
  ask,
  besides,
  clearFlag,
  control,
  deploy,
  deployed,
  emulator,
  enqueue,
  entry,
  fal,
  line,
  type Runner,
  result,
  runners,
  setFlag,
  untilState,
} from './bed.ts';

/** The answer of ListAliases, which no command shows. */
async function isRolling(): Promise<boolean> {
  const { path, requestSerialize, responseDeserialize } = loadServices().controller.ListAliases ?? {};
  if (!path || !requestSerialize || !responseDeserialize) throw new Error('there is no ListAliases');
  const client = new Client(`localhost:${emulator.ports.api}`, credentials.createInsecure());
  const [id = '', secret = ''] = emulator.variables.FAL_KEY?.split(':') ?? [];
  const key = Metadata.fromHttp2Headers({ 'auth-key-id': id, 'auth-key': secret });
  const reply = await new Promise<unknown>((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, key, (error, value) =>
      error ? reject(error) : resolve(value),
    ),
  );
  client.close();
  const { aliases } = z
    .object({ aliases: z.array(z.object({ alias: z.string(), is_rolling: z.boolean() })) })
    .parse(reply);
  return aliases.some(({ alias, is_rolling }) => alias === 'steady' && is_rolling);
}

describe('a new revision', () => {
  const startDeploy = (...flags: readonly string[]) =>
    besides.fal(['deploy', 'life.py::Steady', '--app-name', 'steady', '--yes', ...flags]);

  async function startingOne(old: string): Promise<Runner> {
    return until('a runner of the new revision is in SETUP', async () =>
      (await runners('Steady')).find(({ revision, state }) => revision !== old && state === 'SETUP'),
    );
  }

  it('that does not start leaves the old one serving, and the CLI shows the reason', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    const deploying = startDeploy();
    const check = await startingOne(old);
    expect(await isRolling()).toBe(true);
    expect((await ask('Steady')).runner).toBe(id);
    await setFlag('Steady', 'broken', check.revision);
    await clearFlag('Steady', 'hold');
    const { code, stdout, stderr } = await deploying;
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('broken on purpose');
    expect(stdout + stderr).toContain('The previous revision stays in place.');
    expect(await isRolling()).toBe(false);
    expect(await ask('Steady')).toEqual({ runner: id, revision: old });
  });

  it('that starts takes over without losing a request, and the old runner finishes its own', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await setFlag('Steady', 'hold');
    const deploying = startDeploy('--strategy', 'rolling');
    const check = await startingOne(old);
    const queued = await enqueue('Steady');
    await clearFlag('Steady', 'hold');
    expect(answered.parse(await (await result('Steady', queued)).json()).revision).toBe(check.revision);
    await clearFlag('Steady', 'busy');
    expect(await running).toEqual({ runner: id, revision: old });
    expect((await deploying).code).toBe(0);
    const states = (await untilState(id, 'TERMINATED')).transitions.slice(-3).map(({ state }) => state);
    expect(states).toEqual(['DRAINING', 'TERMINATING', 'TERMINATED']);
  });

  it('by fal apps set-rev rolls back in the same way, and keeps the scale settings', async () => {
    const { revision: now } = await ask('Steady');
    const old = (await runners('Steady')).map(({ revision }) => revision).find((revision) => revision !== now) ?? '';
    await fal('apps', 'scale', 'steady', '--keep-alive', '30000');
    await rm(join(control, 'Steady.broken'), { force: true });
    await fal('apps', 'set-rev', 'steady', old, '--strategy', 'rolling');
    const fresh = (await runners('Steady')).findLast(({ revision }) => revision === old);
    expect(fresh && entry(fresh, 'IDLE')).toBeDefined();
    expect((await ask('Steady')).revision).toBe(old);
    const { apps } = lastJson(await fal('apps', 'list', '--json'));
    expect(apps).toContainEqual(expect.objectContaining({ alias: 'steady', revision: old, keep_alive: 30000 }));
  });

  it('by recreate is active immediately, and starts with the next request', async () => {
    const { runner: id } = await ask('Steady');
    const next = await deploy('Steady', '--strategy', 'recreate');
    await untilState(id, 'TERMINATED');
    expect((await runners('Steady')).filter(({ revision }) => revision === next)).toEqual([]);
    expect((await ask('Steady')).revision).toBe(next);
  });

  it('by --detach is active immediately and starts then; its failure isn’t rolled back', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    const detached = ['deploy', 'life.py::Steady', '--app-name', 'steady', '--yes', '--json', '--detach'];
    const answer = deployed.parse(lastJson(await fal(...detached)));
    expect(answer.status).toBe('rolling_out');
    const [first] = (await runners('Steady')).filter(({ revision }) => revision === answer.revision);
    expect([first?.state, await isRolling()]).toEqual([expect.stringMatching(/PENDING|SETUP/), true]);
    await untilState(id, 'TERMINATED');
    await clearFlag('Steady', 'hold');
    await until('the rollout is over', async () => !(await isRolling()));
    expect((await ask('Steady')).revision).toBe(answer.revision);

    await setFlag('Steady', 'hold');
    const failing = deployed.parse(lastJson(await fal(...detached)));
    await setFlag('Steady', 'broken', failing.revision);
    await clearFlag('Steady', 'hold');
    await until('the rollout is over', async () => !(await isRolling()));
    const { apps } = lastJson(await fal('apps', 'list', '--json'));
    expect(apps).toContainEqual(expect.objectContaining({ alias: 'steady', revision: failing.revision }));
    await fal('apps', 'set-rev', 'steady', old, '--strategy', 'recreate');
    expect((await ask('Steady')).revision).toBe(old);
  });
});

describe('an app under traffic', () => {
  it('answers every direct call through a rolling deploy, a rollout, stops and a detached deploy', async () => {
    await deploy('Pair');
    let going = true;
    const callers = Array.from({ length: 3 }, async () => {
      const seen: string[] = [];
      while (going) {
        seen.push((await ask('Pair')).revision);
        // Leaves CPU time for the commands.
        await delay(20);
      }
      return seen;
    });
    const all = Promise.all(callers);
    // The runner that was found may end before the command reaches it, because a rollout continues for a while.
    const stopOne = (...flags: readonly string[]) =>
      until('a runner is stopped', async () => {
        const one = (await runners('Pair')).find(({ state }) => state === 'RUNNING' || state === 'IDLE');
        return one && (await line.fal(['runners', 'stop', one.id, ...flags])).code === 0;
      });
    try {
      await deploy('Pair', '--strategy', 'rolling');
      await fal('apps', 'rollout', 'pair');
      await stopOne('--replace');
      await stopOne();
      await deploy('Pair', '--detach');
      await ask('Pair');
    } finally {
      going = false;
    }
    const answers = (await all).flat();
    expect(new Set(answers).size).toBe(3);
    expect(answers.length).toBeGreaterThan(30);
  });
});

describe('a rollout', () => {
  it('with grace replaces runners without losing a request', async () => {
    const { runner: id, revision } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('apps', 'rollout', 'steady');
    const queued = await enqueue('Steady');
    const next = answered.parse(await (await result('Steady', queued)).json());
    expect(next).toEqual({ runner: expect.not.stringContaining(id), revision });
    await clearFlag('Steady', 'busy');
    expect((await running).runner).toBe(id);
    expect(entry(await untilState(id, 'TERMINATED'), 'DRAINING').reason).toContain('rollout');
  });

  it('by force kills runners: queued requests run again on other runners', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const queued = await enqueue('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('apps', 'rollout', 'steady', '--force');
    await clearFlag('Steady', 'busy');
    expect(answered.parse(await (await result('Steady', queued)).json()).runner).not.toBe(id);
    const states = (await untilState(id, 'TERMINATED')).transitions.slice(-2).map(({ state }) => state);
    expect(states).toEqual(['RUNNING', 'TERMINATED']);
  });
});
