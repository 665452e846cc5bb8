import { z } from 'zod';
import { scaleProblem } from '../../../catalog/scale-settings.ts';
import { machineTypeProblem } from '../../../local/machine-types.ts';
import { authModeSchema, bytes, count, environmentName, id, name, seconds, strategySchema, struct } from '../fields.ts';

/** What the RPCs about apps accept: builds, registrations, settings, aliases. */

export const serializedObject = z.object({
  method: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]*$/, 'must be an importable module'),
  definition: bytes,
});
export type SerializedObject = z.output<typeof serializedObject>;

function checkMachineType(name: string, context: z.core.$RefinementCtx): void {
  const message = machineTypeProblem(name);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
}

/**
 * The values that a registration contains and UpdateApplication changes
 * (docs/platform/control-plane.md#scale-settings).
 */
const scaleFields = {
  keep_alive: seconds.optional(),
  max_multiplexing: z.int().min(1).optional(),
  max_concurrency: z.int().min(1, 'must be 1 or more; min_concurrency 0 lets an app scale to zero').optional(),
  min_concurrency: count.optional(),
  concurrency_buffer: count.optional(),
  concurrency_buffer_perc: count.optional(),
  scaling_delay_seconds: seconds.optional(),
  request_timeout: seconds.optional(),
  request_start_timeout: seconds.optional(),
  startup_timeout: seconds.optional(),
  machine_types: z.array(z.string().superRefine(checkMachineType)),
  valid_regions: z.array(z.string()),
};

const port = z.int().min(1).max(65535);
const machineRequirements = z
  .object({
    ...scaleFields,
    // An empty value counts as absent.
    machine_type: z
      .string()
      .superRefine((name, context) => {
        if (name !== '') checkMachineType(name, context);
      })
      .optional(),
    num_gpus: count.optional(),
    exposed_port: port.optional(),
    metrics_port: port.optional(),
  })
  .superRefine(({ min_concurrency: min, max_concurrency: max }, context) => {
    const message = scaleProblem({ minConcurrency: min, maxConcurrency: max });
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['min_concurrency'], message });
  });
export type MachineRequirements = z.output<typeof machineRequirements>;

const environments = z
  .array(
    z.object({
      kind: z.string().optional(),
      configuration: struct.optional(),
      force: z.boolean().optional(),
    }),
  )
  .length(1, 'exactly one environment is supported');
export type WireEnvironment = z.output<typeof environments>[number];

/** POSIX, relative, no `.` or `..`: it is joined to a folder later. */
const relativePath = z
  .string()
  .min(1)
  .max(4096)
  .refine(
    (path) =>
      !path.startsWith('/') &&
      !path.includes('\0') &&
      path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'must be a relative path without `.` and `..`',
  );
const files = z.array(
  z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'), relative_path: relativePath }),
);
const secrets = z.object({ names: z.array(z.string()) }).optional();

/** A route as the app declares it; empty: none. Characters that a URL escapes are escaped when it is requested. */
const healthPath = z
  .string()
  .max(2_000)
  .regex(/^(\/|$)/, 'must begin with `/`');

const healthCheck = z.object({
  path: healthPath.optional(),
  start_period_seconds: seconds.optional(),
  timeout_seconds: seconds.optional(),
  failure_threshold: count.optional(),
  call_regularly: z.boolean().optional(),
  method: z.enum(['GET', 'POST']).optional(),
});
export type WireHealthCheck = z.output<typeof healthCheck>;

/** The fields of BuildEnvironment; Run and RegisterApplication have them, too. */
export const buildEnvironmentSchema = z.object({
  environments,
  machine_requirements: machineRequirements.optional(),
  files,
  application_name: name.optional(),
  environment_name: environmentName,
  secrets,
});
export type BuildEnvironmentRequest = z.output<typeof buildEnvironmentSchema>;

export const callable = z.object({
  function: serializedObject.optional(),
  entrypoint: z
    .string()
    .regex(/^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$/, 'must look like `module:attribute`')
    .optional(),
  health_check_config: healthCheck.optional(),
  build_environment: z.boolean().optional(),
});

const retriesOfCondition = z.object({ retries: z.int().min(0) }).optional();
const retryConfig = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      timeout: retriesOfCondition,
      server_error: retriesOfCondition,
      connection_error: retriesOfCondition,
    }),
  );

export const registerSchema = buildEnvironmentSchema.extend(callable.shape).extend({
  auth_mode: authModeSchema.optional(),
  metadata: struct.optional(),
  deployment_strategy: strategySchema.optional(),
  scale: z.boolean().optional(),
  private_logs: z.boolean().optional(),
  source_code: z.string().optional(),
  skip_retry_conditions: z.array(z.enum(['TIMEOUT', 'CLIENT_ERROR', 'SERVER_ERROR', 'CONNECTION_ERROR'])),
  retry_config: retryConfig.optional(),
  termination_grace_period_seconds: seconds.max(3600).optional(),
  attach_to_deployment: z.boolean().optional(),
});
export type RegisterRequest = z.output<typeof registerSchema>;

export const updateApplicationSchema = z.object({
  application_name: id,
  ...scaleFields,
});
export type UpdateApplicationRequest = z.output<typeof updateApplicationSchema>;

export const listApplicationsSchema = z.object({ application_name: id.optional(), environment_name: environmentName });
export const applicationIdSchema = z.object({ application_id: id });
export const rolloutSchema = z.object({ application_name: id, force: z.boolean().optional() });
export const setAliasSchema = z.object({
  alias: name,
  revision: id,
  auth_mode: authModeSchema.optional(),
  environment_name: environmentName,
  deployment_strategy: strategySchema.optional(),
});
export const aliasSchema = z.object({ alias: id });
