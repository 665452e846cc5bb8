import { gpuSettingsOf } from '../../../catalog/machine-types.ts';
import {
  type Requested,
  revisionDefaults,
  type SettingsUpdate,
  scaleDefaults,
} from '../../../catalog/scale-settings.ts';
import type { HealthPolicy, RetryCondition, RevisionSettings, ScaleSettings } from '../../../scheduler/types.ts';
import type { RunRequest } from '../runs/schemas.ts';
import { machineTypesOf } from './prepare.ts';
import type { MachineRequirements, RegisterRequest, UpdateApplicationRequest, WireHealthCheck } from './schemas.ts';

/**
 * The alias-level values in a request; catalog/scale-settings.ts defines their effect
 * (docs/platform/control-plane.md#scale-settings).
 */
export function requestedScale(
  wire: MachineRequirements | UpdateApplicationRequest | undefined,
): Requested<ScaleSettings> {
  return {
    keepAliveSeconds: wire?.keep_alive,
    minConcurrency: wire?.min_concurrency,
    maxConcurrency: wire?.max_concurrency,
    concurrencyBuffer: wire?.concurrency_buffer,
    concurrencyBufferPerc: wire?.concurrency_buffer_perc,
    scalingDelaySeconds: wire?.scaling_delay_seconds,
    requestTimeoutSeconds: wire?.request_timeout,
    requestStartTimeoutSeconds: wire?.request_start_timeout,
  };
}

/** UpdateApplication: the named fields of both groups. */
export function requestedUpdate(wire: UpdateApplicationRequest): SettingsUpdate {
  return {
    scale: requestedScale(wire),
    settings: { maxMultiplexing: wire.max_multiplexing, startupTimeoutSeconds: wire.startup_timeout },
    machineTypes: wire.machine_types,
    validRegions: wire.valid_regions,
  };
}

/** Revision-level values of a registration or run. */
export function revisionSettings(request: RegisterRequest | RunRequest): RevisionSettings {
  const requirements = request.machine_requirements;
  const startupTimeoutSeconds = requirements?.startup_timeout ?? revisionDefaults.startupTimeoutSeconds;
  return {
    maxMultiplexing: requirements?.max_multiplexing ?? revisionDefaults.maxMultiplexing,
    ...gpuSettingsOf(machineTypesOf(requirements), requirements?.num_gpus ?? null),
    startupTimeoutSeconds,
    terminationGraceSeconds:
      ('termination_grace_period_seconds' in request ? request.termination_grace_period_seconds : undefined) ??
      revisionDefaults.terminationGraceSeconds,
    health: healthPolicy(request.health_check_config, startupTimeoutSeconds),
    skipRetry: 'skip_retry_conditions' in request ? request.skip_retry_conditions.flatMap(retryCondition) : [],
    retries: 'retry_config' in request ? budgets(request.retry_config) : {},
  };
}

/**
 * An ephemeral app has exactly one runner unless its code requests more. The runner stays while the stream is open: it
 * starts immediately and is replaced when it ends (fal's own test_app_exceptions).
 */
export function ephemeralScale(request: RunRequest): ScaleSettings {
  const requested = requestedScale(request.machine_requirements);
  const startTimeout = requested.requestStartTimeoutSeconds ?? 0;
  return {
    keepAliveSeconds: requested.keepAliveSeconds ?? scaleDefaults.keepAliveSeconds,
    minConcurrency: Math.max(1, requested.minConcurrency ?? 1),
    maxConcurrency: Math.max(1, requested.maxConcurrency ?? 1, requested.minConcurrency ?? 1),
    concurrencyBuffer: requested.concurrencyBuffer ?? scaleDefaults.concurrencyBuffer,
    concurrencyBufferPerc: requested.concurrencyBufferPerc ?? scaleDefaults.concurrencyBufferPerc,
    scalingDelaySeconds: requested.scalingDelaySeconds ?? scaleDefaults.scalingDelaySeconds,
    requestTimeoutSeconds: requested.requestTimeoutSeconds ?? scaleDefaults.requestTimeoutSeconds,
    requestStartTimeoutSeconds: startTimeout === 0 ? null : startTimeout,
  };
}

/** docs/platform/runners.md#start-up-and-health: a start period shorter than startup_timeout is lengthened to it. */
function healthPolicy(wire: WireHealthCheck | undefined, startupTimeoutSeconds: number): HealthPolicy {
  const defaults = revisionDefaults.health;
  return {
    path: wire?.path || defaults.path,
    // Unset is GET by the enum's default; class endpoints send POST (docs/platform/control-plane.md#messages).
    method: wire?.method ?? defaults.method,
    startPeriodSeconds: Math.max(wire?.start_period_seconds ?? defaults.startPeriodSeconds, startupTimeoutSeconds),
    timeoutSeconds: wire?.timeout_seconds || defaults.timeoutSeconds,
    failureThreshold: wire?.failure_threshold || defaults.failureThreshold,
    callRegularly: wire?.call_regularly ?? defaults.callRegularly,
  };
}

/** CLIENT_ERROR has no trigger on any page (docs/platform/runners.md#retries): there is nothing to skip. */
function retryCondition(wire: RegisterRequest['skip_retry_conditions'][number]): readonly RetryCondition[] {
  switch (wire) {
    case 'TIMEOUT':
      return ['timeout'];
    case 'SERVER_ERROR':
      return ['server_error'];
    case 'CONNECTION_ERROR':
      return ['connection_error'];
    case 'CLIENT_ERROR':
      return [];
  }
}

function budgets(config: RegisterRequest['retry_config']): RevisionSettings['retries'] {
  const conditions = ['timeout', 'server_error', 'connection_error'] as const;
  return Object.fromEntries(
    conditions.flatMap((condition) => {
      const retries = config?.[condition]?.retries;
      return retries === undefined ? [] : [[condition, retries]];
    }),
  );
}
