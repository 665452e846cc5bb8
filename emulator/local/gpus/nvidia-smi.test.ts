import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FoundGpu,
  gpuFields,
  parseGpus,
  parseParts,
  parseProcesses,
  parseSamples,
  saysNoGpus,
  unknownField,
} from './nvidia-smi.ts';

const recording = (name: string) => readFileSync(join(import.meta.dirname, 'testing', 'recordings', name), 'utf8');
const uuid = 'GPU-00000100-0000-4000-8000-000000000100';
const other = 'GPU-00000200-0000-4000-8000-000000000200';

describe('the list of GPUs', () => {
  it('is what an H100 and an H200 print', () => {
    expect(parseGpus(recording('h100-gpus.txt') + recording('h200-gpus.txt'), gpuFields)).toEqual({
      found: [
        { index: 0, uuid, name: 'NVIDIA H100 80GB HBM3', memoryMib: 81559, divided: false },
        { index: 0, uuid: other, name: 'NVIDIA H200', memoryMib: 143771, divided: false },
      ],
      warnings: [],
    });
  });

  it.each<[string, string, Partial<FoundGpu>]>([
    [
      'GeForce before driver 440',
      'GPU-1, GeForce GTX 770, [Not Supported], [Not Supported]',
      { name: 'GeForce GTX 770' },
    ],
    ['a laptop', 'GPU-1, RTX 4090 Laptop GPU, 16376, [N/A]', { name: 'RTX 4090 Laptop GPU', memoryMib: 16376 }],
    ['Jetson: no memory of its own, no UUID', '[N/A], Orin (nvgpu), [N/A], [N/A]', { uuid: '0', name: 'Orin (nvgpu)' }],
    ['a divided GPU', 'GPU-1, A100, 40960, Enabled', { name: 'A100', memoryMib: 40960, divided: true }],
    ['a part in a virtual machine', 'GPU-1, H100L-2-24C, 24576, [N/A]', { name: 'H100L-2-24C', memoryMib: 24576 }],
  ])('has %s', (_name, values, expected) => {
    const { found, warnings } = parseGpus(`0, ${values}\n`, gpuFields);
    expect([found, warnings]).toEqual([[{ index: 0, uuid: 'GPU-1', divided: false, ...expected }], []]);
  });

  it('leaves out a GPU that fails, with a warning, and keeps the others', () => {
    const lost = 'Unable to determine the device handle for GPU1: 0000:44:00.0: Unknown Error';
    const row = '2, GPU-3, [GPU is lost], [GPU is lost], [GPU is lost]';
    const { found, warnings } = parseGpus(`${lost}\n${recording('h100-gpus.txt')}${row}\n`, gpuFields);
    expect(found.map((gpu) => gpu.uuid)).toEqual([uuid]);
    expect(warnings).toEqual([`nvidia-smi printed: ${lost}`, `nvidia-smi printed: ${row}`]);
  });
});

describe('samples', () => {
  it('are what an H100 prints when idle, with 2.5 GiB allocated, and under load', () => {
    expect(parseSamples(recording('h100-samples.txt'))).toEqual({
      found: [
        { uuid, memoryUsedMib: 0, utilization: 0, powerWatts: 73.25, celsius: 36 },
        { uuid, memoryUsedMib: 2587, utilization: 0, powerWatts: 122.13, celsius: 38 },
        { uuid, memoryUsedMib: 1011, utilization: 98, powerWatts: 693.54, celsius: 55 },
      ],
      warnings: [],
    });
  });

  it.each([
    ['[N/A], [N/A], [N/A], 54', { celsius: 54 }],
    ['2004, [Not Supported], [Unknown Error], 44', { memoryUsedMib: 2004, celsius: 44 }],
    ['[GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]', {}],
  ])('lack what a GPU does not report: %s', (values, expected) => {
    expect(parseSamples(`GPU-1, ${values}`)).toEqual({ found: [{ uuid: 'GPU-1', ...expected }], warnings: [] });
  });
});

it('processes are what an H100 prints, and one without its memory is still a process', () => {
  expect(parseProcesses(`${recording('h100-processes.txt')}663, ${uuid}, [N/A]\n`)).toEqual({
    found: [
      { pid: 661, uuid, memoryMib: 1542 },
      { pid: 662, uuid, memoryMib: 1030 },
      { pid: 663, uuid },
    ],
    warnings: [],
  });
});

it('the parts of a divided GPU are found in -L, with the memory of their profile', () => {
  const listing = [
    'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a)',
    '  MIG 3g.20gb     Device  0: (UUID: MIG-1)',
    '  MIG 1c.3g.20gb  Device  1: (UUID: MIG-2)',
    'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-b)',
    '  MIG 1g.10gb     Device  0: (UUID: MIG-GPU-b/7/0)',
  ].join('\n');
  expect([...parseParts(listing)]).toEqual([
    [
      'GPU-a',
      [
        { uuid: 'MIG-1', index: 0, name: 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', memoryMib: 20480 },
        { uuid: 'MIG-2', index: 1, name: 'NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb', memoryMib: 20480 },
      ],
    ],
    ['GPU-b', [{ uuid: 'MIG-GPU-b/7/0', index: 0, name: 'NVIDIA H100 80GB HBM3 MIG 1g.10gb', memoryMib: 10240 }]],
  ]);
  expect(parseParts(recording('h100-list.txt')).size).toBe(0);
});

it('the failures that are understood: a field that the driver does not know, and no GPU', () => {
  expect(unknownField(recording('unknown-field.txt'))).toBe('no.such.field');
  expect(unknownField(recording('blocked.txt'))).toBeUndefined();
  expect(saysNoGpus(recording('no-devices.txt'))).toBe(true);
  expect(saysNoGpus('No devices found.\n')).toBe(true);
  expect(saysNoGpus(recording('no-library.txt'))).toBe(false);
});

it('any text gives values and at most five warnings', () => {
  const cell = fc.oneof(fc.string(), fc.constantFrom('GPU-1', '0', '[N/A]', '1e9', '-1', 'NaN', '99999999999999'));
  const text = fc.array(fc.array(cell, { maxLength: 6 }).map((cells) => cells.join(', '))).map((l) => l.join('\n'));
  fc.assert(
    fc.property(text, (printed) => {
      const samples = parseSamples(printed);
      for (const { warnings } of [parseGpus(printed, gpuFields), samples, parseProcesses(printed)])
        expect(warnings.length).toBeLessThanOrEqual(5);
      for (const { utilization = 0, powerWatts = 0 } of samples.found)
        expect([utilization, powerWatts].every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
      parseParts(printed);
    }),
  );
});
