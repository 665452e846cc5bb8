import { delimiter, dirname, join } from 'node:path';
import { networkEnvironment, proxyExemptions } from '../../local/network/environment.ts';

/**
 * The machine's variables that a process needs, besides those for its network. The rest of the emulator's environment
 * (cloud keys, tokens) is not passed on.
 */
const inherited = [
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'NVIDIA_VISIBLE_DEVICES',
];

/** The variables of `hostEnv` that a supervisor or runner may have, with the environment's `bin` first on PATH. */
export function machineEnvironment(hostEnv: NodeJS.ProcessEnv, python: string): Record<string, string> {
  const env: Record<string, string> = {
    PATH: [dirname(python), hostEnv.PATH ?? '/usr/local/bin:/usr/bin:/bin'].join(delimiter),
    PYTHONNOUSERSITE: '1',
    ...networkEnvironment(hostEnv),
  };
  for (const name of inherited) {
    const value = hostEnv[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/**
 * Where compilers of GPU code keep their results. The default is below the home folder or in /tmp: with a disk of its
 * own, each runner would compile again.
 */
export function compileCaches(folder: string): Record<string, string> {
  return {
    CUDA_CACHE_PATH: join(folder, 'cuda'),
    CUPY_CACHE_DIR: join(folder, 'cupy'),
    DG_CACHE_DIR: join(folder, 'deep-gemm'),
    FLASHINFER_WORKSPACE_BASE: join(folder, 'flashinfer'),
    PYTORCH_KERNEL_CACHE_PATH: join(folder, 'torch-kernels'),
    TORCHINDUCTOR_CACHE_DIR: join(folder, 'torch-inductor'),
    TORCH_EXTENSIONS_DIR: join(folder, 'torch-extensions'),
    TRITON_CACHE_DIR: join(folder, 'triton'),
    VLLM_CACHE_ROOT: join(folder, 'vllm'),
  };
}

/**
 * A runner's variables (docs/platform/runner-process.md#variables): the machine's few, then the spec's, then those that
 * only the engine knows. PYTHONPATH points Python child processes to the sitecustomize that keeps them on loopback. The
 * emulator's own hosts are reached without a proxy, even if a secret sets the proxy.
 */
export function runnerEnvironment(
  machine: { readonly [name: string]: string },
  spec: { readonly [name: string]: string },
  runnerSources: string,
): Record<string, string> {
  const children = join(runnerSources, 'children');
  const given = { ...machine, ...spec };
  return {
    ...given,
    ...proxyExemptions(given),
    IS_ISOLATE_AGENT: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONPATH: spec.PYTHONPATH ? [children, spec.PYTHONPATH].join(delimiter) : children,
  };
}
