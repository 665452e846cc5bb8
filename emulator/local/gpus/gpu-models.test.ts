import { expect, it } from 'vitest';
import { machineTypesOf } from './gpu-models.ts';

it.each<[string, number | undefined, readonly string[]]>([
  ['NVIDIA H100 80GB HBM3', 81_559, ['GPU-H100', 'GPU']],
  ['H100', 81_920, ['GPU-H100', 'GPU']],
  ['NVIDIA H200', 143_771, ['GPU-H200', 'GPU']],
  ['NVIDIA GH200 480GB', 97_871, ['GPU']],
  ['NVIDIA A100-SXM4-40GB', 40_536, ['GPU-A100', 'GPU-A100-40GB', 'GPU']],
  ['NVIDIA A100 80GB PCIe', 81_920, ['GPU-A100', 'GPU-A100-80GB', 'GPU']],
  ['A100', undefined, ['GPU-A100', 'GPU']],
  ['NVIDIA A100-SXM4-40GB MIG 1g.5gb', 4_864, ['GPU']],
  ['NVIDIA GeForce RTX 4090', 24_564, ['GPU-RTX4090', 'GPU']],
  ['RTX4090', 24_576, ['GPU-RTX4090', 'GPU']],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', 16_376, ['GPU']],
  ['NVIDIA GeForce RTX 4090 D', 24_564, ['GPU']],
  ['NVIDIA RTX A6000', 49_140, ['GPU-A6000', 'GPU']],
  ['NVIDIA L40', 46_068, ['GPU-L40', 'GPU']],
  ['NVIDIA L40S', 46_068, ['GPU']],
  ['Tesla T4', 15_360, ['GPU-T4', 'GPU']],
])('%s with %s MiB is of these machine types', (name, memoryMib, expected) => {
  expect(machineTypesOf({ name, ...(memoryMib === undefined ? {} : { memoryMib }) })).toEqual(expected);
});
