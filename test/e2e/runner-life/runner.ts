import { describe, expect, it, onTestFinished } from 'vitest';
import { call } from '../../support/http.ts';
import { until } from '../../support/wait.ts';
import {
  account,
  answered,
  ask,
  clearFlag,
  deploy,
  emulator,
  enqueue,
  entry,
  fal,
  list,
  notes,
  project,
  result,
  runner,
  runners,
  setFlag,
  timeScale,
  untilState,
} from './bed.ts';

describe('a runner', () => {
  it('ends keep_alive after its last request; the CLI counts down the real seconds', async () => {
    await deploy('Brief');
    const { runner: id } = await ask('Brief');
    const countdown = (await list()).find((one) => one.runner_id === id)?.expiration_countdown;
    expect(countdown === undefined || (Number(countdown) >= 0 && Number(countdown) <= 2)).toBe(true);
    const ended = await untilState(id, 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toMatch(/^The runner is no longer needed \(keep_alive is over/);
    const idle = entry(ended, 'TERMINATING').at - entry(ended, 'IDLE').at;
    expect(idle * timeScale).toBeGreaterThanOrEqual(120_000);
    expect(await notes('Brief', 'teardowns')).toEqual([id]);
  });

  it('without any request ends after 10 s', async () => {
    const second = await deploy('Brief', '--strategy', 'rolling');
    const unused = (await runners('Brief')).find(({ revision }) => revision === second);
    const ended = await untilState(unused?.id ?? '', 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner got no request.');
    expect((entry(ended, 'TERMINATING').at - entry(ended, 'IDLE').at) * timeScale).toBeGreaterThanOrEqual(10_000);
  });

  it('is replaced after one 503, which reaches the caller, unless x-fal-stop-runner says otherwise', async () => {
    const { runner: first } = await ask('Steady');
    const unavailable = async (headers: object) => {
      const response = await call(emulator, 'run', `/${account}/steady`, { body: { status: 503, headers } });
      return { status: response.status, runner: answered.parse(await response.json()).runner };
    };
    expect(await unavailable({})).toEqual({ status: 503, runner: first });
    const { status: code, runner: second } = await unavailable({ 'x-fal-stop-runner': 'false' });
    expect([code, second === first]).toEqual([503, false]);
    expect((await ask('Steady', { headers: { 'x-fal-stop-runner': 'true' } })).runner).toBe(second);
    expect((await ask('Steady')).runner).not.toBe(second);
    for (const id of [first, second]) {
      expect(entry(await runner(id), 'TERMINATING').reason).toBe('The runner answered 503 or asked to be stopped.');
    }
  });

  it('shows the reason for its end to commands that run in it', async () => {
    await deploy('Steady');
    const { runner: id } = await ask('Steady');
    const command = project.startFal('runners', 'exec', id, '--', 'sh', '-c', 'echo there; sleep 1000');
    onTestFinished(() => command.signal('SIGKILL'));
    await until('it runs', () => command.output().includes('there'));
    await project.mustFal('runners', 'kill', id);
    const { code, stderr } = await command.finished;
    expect([code, stderr]).toEqual([
      137,
      expect.stringContaining('minifal: The runner was killed. This command has ended with its runner.\n'),
    ]);
  });

  it('that is stopped finishes its request while another runner takes new ones, and tears down', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('runners', 'stop', id);
    expect((await runner(id)).state).toBe('DRAINING');
    expect((await ask('Steady')).runner).not.toBe(id);
    await clearFlag('Steady', 'busy');
    expect((await running).runner).toBe(id);
    const ended = await untilState(id, 'TERMINATED');
    expect(ended.transitions.slice(-3).map(({ state }) => state)).toEqual(['DRAINING', 'TERMINATING', 'TERMINATED']);
    expect(await notes('Steady', 'teardowns')).toContain(id);
  });

  it('that is stopped with --replace serves until its replacement is ready', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    await fal('runners', 'stop', id, '--replace');
    const both = await until('the substitute starts', async () => {
      const live = (await list()).filter(({ alias }) => alias === 'steady');
      return live.length === 2 && live;
    });
    expect(both.find((one) => one.runner_id === id)).toMatchObject({ state: 'IDLE', replacement: 'WILL_REPLACE' });
    expect((await ask('Steady')).runner).toBe(id);
    await clearFlag('Steady', 'hold');
    const substitute = both.find((one) => one.runner_id !== id)?.runner_id ?? '';
    await untilState(id, 'TERMINATED');
    expect(entry(await runner(id), 'TERMINATING').at).toBeGreaterThanOrEqual(
      entry(await runner(substitute), 'IDLE').at,
    );
  });

  it('that is killed loses its requests: a direct caller gets an error, a queued request another runner', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const direct = call(emulator, 'run', `/${account}/steady`, { body: { busy: true } });
    await untilState(id, 'RUNNING');
    await fal('runners', 'kill', id);
    const answer = await direct;
    expect([answer.status, answer.headers.get('x-fal-error-type')]).toEqual([503, 'runner_disconnected']);
    expect((await runner(id)).transitions.slice(-2).map(({ state }) => state)).toEqual(['RUNNING', 'TERMINATED']);

    const queued = await enqueue('Steady', { busy: true });
    const second = await until('it runs', async () =>
      (await runners('Steady')).find(({ requests }) => requests[0] === queued),
    );
    await fal('runners', 'kill', second.id);
    await clearFlag('Steady', 'busy');
    expect(answered.parse(await (await result('Steady', queued)).json()).runner).not.toBe(second.id);
  });

  it('that no longer listens is detected after a 502 answer, and replaced', async () => {
    await deploy('deaf');
    const path = `/${account}/deaf`;
    const answer = await call(emulator, 'run', path, { body: {} });
    expect(answer.status).toBe(502);
    const id = await answer.text();
    const ended = await untilState(id, 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    const next = await call(emulator, 'run', path, { body: {} });
    expect([next.status, (await next.text()) === id]).toEqual([502, false]);
  });

  it('may take request_timeout for a request, in real seconds, and ends with it', async () => {
    await deploy('Hasty');
    const { runner: id } = await ask('Hasty');
    await setFlag('Hasty', 'busy');
    const begin = Date.now();
    const answer = await call(emulator, 'run', `/${account}/hasty`, { body: { busy: true } });
    expect([answer.status, answer.headers.get('x-fal-error-type')]).toEqual([504, 'request_timeout']);
    expect(Date.now() - begin).toBeGreaterThanOrEqual(2_000);
    await clearFlag('Hasty', 'busy');
    expect(entry(await untilState(id, 'TERMINATED'), 'TERMINATING').reason).toContain('request_timeout');
  });

  it('has its grace period for teardown(), in real seconds, and is killed after it', async () => {
    await deploy('Stubborn');
    await setFlag('Stubborn', 'cling');
    const { runner: id } = await ask('Stubborn');
    await fal('runners', 'stop', id);
    const ended = await untilState(id, 'TERMINATED');
    const grace = entry(ended, 'TERMINATED').at - entry(ended, 'TERMINATING').at;
    expect(grace).toBeGreaterThanOrEqual(2_000);
    expect(grace).toBeLessThan(10_000);
    expect(await notes('Stubborn', 'teardowns')).toEqual([]);
  });
});
