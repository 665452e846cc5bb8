import type { Gpu } from '../../local/gpus/gpu.ts';
import type { GpuMappingMode } from '../../wire/gpu-mapping.ts';
import type { HuggingFaceMode, IsolationMode, Shares } from '../../wire/isolation.ts';
import type { MachineLimitMode } from '../../wire/machine-limits.ts';

/** What the command line asks for. Absent: the command's own default. */
export interface CliOptions {
  readonly port: number | undefined;
  readonly data: string | undefined;
  readonly format: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly retentionDays: number | undefined;
  readonly timeScale: number;
  readonly maxRunners: number | undefined;
  readonly gpuSlots: number | undefined;
  readonly gpuSharing: boolean;
  readonly gpuMapping: GpuMappingMode | undefined;
  readonly gpus: readonly Gpu[] | undefined;
  /** Of a fault. */
  readonly kind: string | undefined;
  readonly machineLimits: MachineLimitMode | undefined;
  readonly isolation: IsolationMode | undefined;
  readonly shared: Shares['folders'];
  readonly huggingFace: HuggingFaceMode | undefined;
  readonly allowOutside: boolean;
  readonly json: boolean;
  /** Of an address: instead of opening it. */
  readonly print: boolean;
  readonly keychain: boolean;
}
