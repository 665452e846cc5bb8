import type { LocalImage } from '../../local/docker/images.ts';
import { UserError } from '../../wire/errors.ts';
import type { RunnerSpec } from '../engine.ts';
import { defaultMetricsPort, defaultPort } from '../sdk-ports.ts';

type Declared = Pick<RunnerSpec, 'declaredPort' | 'metricsPort'>;

/** The ports of the container on which its app listens. */
export interface AppPorts {
  readonly app: number;
  /** Where it serves metrics of its own; `null`: nowhere. It may be the same port. */
  readonly metrics: number | null;
}

/** Of a function or class of the SDK. */
export function portIn({ declaredPort = defaultPort }: Declared): number {
  return declaredPort;
}

/** Of a function or class of the SDK. It has a server of its own for metrics. */
export function metricsPortIn(spec: Declared): number {
  const { metricsPort = defaultMetricsPort } = spec;
  return metricsPort === portIn(spec) ? metricsPort + 1 : metricsPort;
}

/** Of an image that runs as it is. @throws UserError */
export function portsOfImage({ declaredPort, metricsPort }: Declared, { ports }: LocalImage): AppPorts {
  const metrics = metricsPort ?? null;
  const [only, ...others] = ports;
  if (declaredPort !== undefined) return { app: declaredPort, metrics };
  if (only !== undefined && others.length === 0) return { app: only, metrics };
  const why = only === undefined ? 'has no EXPOSE line' : 'has several EXPOSE lines';
  throw new UserError(
    'PORT_UNKNOWN',
    `The app doesn't say on which port its server listens, and its image ${why}.`,
    'Set `exposed_port` (in pyproject.toml: in the table of the app).',
  );
}
