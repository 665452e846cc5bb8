/** A GPU, or a part of one (MIG), that runners can get. Absent values: the driver doesn't report them. */
export interface Gpu {
  /** What CUDA_VISIBLE_DEVICES takes: `GPU-…`, or `MIG-…` for a part. */
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
  /** MiB. Absent on machines where CPU and GPU share their memory. */
  readonly memoryMib?: number;
  /** It exists only in the schedule: `minifal start --gpus 2xH100`. */
  readonly virtual?: true;
}

/** What is measured of one GPU at one moment. */
export interface GpuSample {
  readonly uuid: string;
  readonly memoryUsedMib?: number;
  /** Percent of the time since the sample before in which at least one kernel ran. */
  readonly utilization?: number;
  readonly powerWatts?: number;
  readonly celsius?: number;
}

/** Memory of one process on one GPU. */
export interface GpuProcess {
  readonly pid: number;
  readonly uuid: string;
  readonly memoryMib?: number;
}
