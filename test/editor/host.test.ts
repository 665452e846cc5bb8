import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { inExtensionHost } from '../lab/extension-host.ts';
import type { Facts } from './host/facts.ts';
import { type Machine, makeMachine } from './machine.ts';

let machine: Machine;
let facts: Facts;
beforeAll(async () => {
  machine = await makeMachine();
  const entry = join(import.meta.dirname, 'host', 'facts.ts');
  facts = (await inExtensionHost({ ...machine.options, vsix: [inject('vsix')], entry, timeoutMs: 300_000 })) as Facts;
  console.log(`load and activation, once, while tests run: ${facts.activationMs.toFixed(1)} ms`);
});

afterAll(() => machine?.remove());

const commands = [
  'minifal.startEmulator',
  'minifal.stopEmulator',
  'minifal.runApp',
  'minifal.stopRun',
  'minifal.deployToEmulator',
  'minifal.showEmulatorLog',
  'minifal.openTerminal',
];

describe('in the extension host', () => {
  it('is not active before it is wanted', () => {
    expect(facts.before).toMatchObject({ isActive: false, ports: 0, dataFolder: false, terminals: 0 });
  });

  it('does nothing uninvited when it is activated: no process, port, folder or terminal', () => {
    expect(facts.activated).toEqual({ ...facts.before, isActive: true });
  });

  it('registers every command', () => {
    expect(facts.commands).toEqual(expect.arrayContaining(commands));
  });

  it('has the documented defaults', () => {
    expect(facts.defaults).toEqual({
      'minifal.dataFolder': '',
      'minifal.port': 4710,
      'minifal.stopEmulatorOnClose': 'whenLastWindowCloses',
      'minifal.terminals.all': false,
      'minifal.pythonPath': '',
    });
  });

  it('gives results to whoever runs its commands', () => {
    expect([facts.started, facts.deployed, facts.stopped]).toEqual([true, true, true]);
    expect(facts.leftover).toBe(false);
  });

  it('points the terminal "fal (local)" at the emulator', () => {
    expect(facts.terminals.local).toMatchObject({
      FAL_KEY: expect.stringMatching(/.:./),
      FAL_HOST: expect.stringMatching(/^localhost:\d+$/),
      FAL_QUEUE_RUN_HOST: expect.stringMatching(/^localhost:\d+$/),
      SSL_CERT_FILE: expect.stringMatching(/bundle\.pem$/),
      NODE_EXTRA_CA_CERTS: expect.stringMatching(/ca\.crt$/),
    });
  });

  it.each(['ordinaryBefore', 'ordinary'] as const)('leaves other terminals alone (%s)', (which) => {
    const { inherited, terminals } = facts;
    for (const name of ours()) expect([name, terminals[which][name]]).toEqual([name, inherited[name]]);
  });

  it('points ordinary terminals at the emulator only for those who opt in', () => {
    const { local, optedIn } = facts.terminals;
    for (const name of ours()) expect([name, optedIn[name]]).toEqual([name, local[name]]);
  });
});

/** Names of the variables that point tools at the emulator. */
function ours(): readonly string[] {
  const names = Object.keys(facts.terminals.local).filter((name) =>
    /^(FAL_|SSL_|REQUESTS_|GRPC_|NODE_EXTRA)/.test(name),
  );
  expect(names.length).toBeGreaterThan(8);
  return names;
}
