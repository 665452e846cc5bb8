import { describe, expect, it } from 'vitest';
import { liveWith, runnerRow } from '../target/testing/live.ts';
import { bytesText } from './bytes.ts';
import { type EmulatorShown, emulatorItems } from './emulator-rows.ts';
import { ticks } from './row.ts';
import { draw, flat, seenOf } from './testing/draw.ts';

const now = 1_000_000_000;
const running = {
  pid: 1,
  processStart: '1',
  startedAt: 0,
  ports: { api: 4710, run: 4711, queue: 4712, ws: 4713 },
} as unknown as NonNullable<EmulatorShown['snapshot']['running']>;
const gpu = {
  uuid: 'GPU-1',
  index: 0,
  name: 'NVIDIA GeForce RTX 4090',
  memoryMib: 24_564,
  virtual: false,
  runners: [{ id: 'r1', memoryMib: 11_000 }],
  now: { memoryUsedMib: 11_264, utilization: 80, powerWatts: 300, celsius: 60 },
};
const live = liveWith({
  startedAt: now - 24 * 60_000,
  version: '0.1.0',
  gpus: [gpu],
  runners: [runnerRow({ id: 'r1', number: 2, alias: 'painter' })],
});
const secrets = [
  { name: 'S3_KEY', environment: 'main', createdAt: 0 },
  { name: 'HF_TOKEN', environment: 'dev', createdAt: 0 },
];
const disk = {
  folder: '/home/me/.minifal',
  bytes: 2.1e9,
  environments: { count: 3, bytes: 1.9e9 },
  unused: { count: 1, bytes: 0.6e9 },
  storageBytes: 4_000_000,
  dataBytes: 0,
  freeBytes: 90e9,
};
const shown: EmulatorShown = { snapshot: { live, running }, folder: '/home/me/.minifal', secrets, disk };

describe('the view "Emulator"', () => {
  it('shows addresses, version, GPUs, names of secrets and disk use', () => {
    expect(draw(emulatorItems(shown, now))).toEqual([
      'local | :4710 · up 24 min',
      '  API | localhost:4710',
      '  Run | localhost:4711',
      '  Queue | localhost:4712',
      '  WebSocket | localhost:4713',
      '  Version | 0.1.0 · process 1',
      'GPU 0 | painter runner 2 · 11 of 24 GB · RTX 4090',
      'Secrets | HF_TOKEN, S3_KEY',
      '  HF_TOKEN | dev',
      '  S3_KEY | ',
      'Disk | 2.1 GB · 3 environments',
    ]);
    const seen = seenOf(emulatorItems(shown, now)).filter(({ kind }) => kind !== 'secret');
    expect(seen.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'local :4710 · up 24 min',
        expect.stringMatching(/^GPU 0 painter runner 2 · 11 of 24/),
        'Secrets HF_TOKEN, S3_KEY',
      ]),
    );
  });

  it('gives commands what they act on', () => {
    const about = (id: string) => flat(emulatorItems(shown, now)).find((row) => row.id === id)?.about;
    expect(about('address/run')).toEqual({ url: 'http://localhost:4711' });
    expect(about('secret/dev/HF_TOKEN')?.secret).toEqual({ name: 'HF_TOKEN', environment: 'dev' });
  });

  it.each([[{ ...live, head: { ...live.head, gpus: [] } }, 'no row for GPUs where there are none', /GPU/]])(
    'has %s',
    (quiet, _, pattern) => {
      expect(draw(emulatorItems({ ...shown, snapshot: { live: quiet, running } }, now)).join('\n')).not.toMatch(
        pattern,
      );
    },
  );

  it('says if secrets are sealed, if there is none, and what is wrong with the disk', () => {
    const head = { ...live.head, secrets: 'sealed' as const, trouble: 'The disk is full. Free some space.' };
    const rows = emulatorItems({ ...shown, snapshot: { live: { ...live, head }, running } }, now);
    expect(draw(rows)).toContain('Secrets | sealed by the keychain');
    expect(rows[0]).toMatchObject({ icon: 'warning', facts: [{ text: head.trouble }, {}, {}, {}] });
    expect(draw(emulatorItems({ ...shown, secrets: [] }, now))).toContain('Secrets | none');
  });

  it('shows nothing before an emulator has answered, and greys the rows of a killed one', () => {
    expect(emulatorItems({ snapshot: {}, folder: '/d' }, now)).toEqual([]);
    const rows = emulatorItems({ ...shown, snapshot: { last: live } }, now);
    expect(rows.every(({ isGone }) => isGone)).toBe(true);
    expect(ticks(rows)).toBe(false);
    expect(draw(rows)[0]).toBe('local | not running');
  });

  it('redraws a row only when its text differs: once a minute', () => {
    const texts = new Set<string>();
    for (let at = 0; at < 600_000; at += 1_000) texts.add(draw(emulatorItems(shown, now + at)).join('\n'));
    expect(texts.size).toBe(10);
  });
});

it.each([
  [0, '0 kB'],
  [12_345, '12 kB'],
  [999_600, '1.0 MB'],
  [9_960_000, '10 MB'],
  [340e6, '340 MB'],
  [2.1e9, '2.1 GB'],
  [3.2e15, '3200 TB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
