import { describe, expect, it } from 'vitest';
import { diagnosisSchema } from '../../../emulator/wire/diagnosis.ts';
import { minifalCommand } from '../../support/emulator.ts';
import { mustRun } from '../../support/process.ts';
import { emulator, freshKey, occupy, reaches, send } from './bed.ts';

async function why(id: string) {
  const args = [minifalCommand, 'why', id, '--json', '--data', emulator.dataDir];
  return diagnosisSchema.parse(JSON.parse(await mustRun(process.execPath, args)));
}

describe('minifal why', () => {
  it('names the cause for a request, its runner and its app, and what would change it', async () => {
    const { id: busy, release } = await occupy('one');
    const { request_id: id } = await send('one', { key: freshKey() });
    const waiting = await why(id);
    expect(waiting).toMatchObject({
      subject: { kind: 'request', id, alias: 'one' },
      cause: 'slots_busy',
      change: 'max_concurrency is 1; with 2, a runner for this request would start now.',
    });
    expect(await why(`#${waiting.subject.number}`)).toMatchObject({ subject: { id } });
    expect(await why('one')).toMatchObject({ subject: { kind: 'app' }, cause: 'slots_busy' });
    const running = await why(busy);
    expect(running).toMatchObject({ cause: 'running' });
    release();
    await reaches('one', id, 'COMPLETED');
    expect(await why(id)).toMatchObject({ cause: 'answered' });
  });
});
