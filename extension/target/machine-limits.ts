export type { MachineLimitMode } from '../../emulator/wire/machine-limits.ts';
