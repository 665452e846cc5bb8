import * as z from 'zod';

/**
 * Names that no secret may have: the variables that the platform sets in every runner, and PATH, without which the
 * app's own programs aren't found.
 */
const platformVariables: ReadonlySet<string> = new Set([
  'PATH',
  'PYTHONUNBUFFERED',
  'IS_ISOLATE_AGENT',
  ...['FAL_HOST', 'FAL_GRPC_HOST', 'FAL_REST_HOST', 'FAL_RUN_HOST', 'FAL_QUEUE_RUN_HOST', 'FAL_WS_RUN_HOST'],
  ...['FAL_KEY', 'FAL_KEY_ID', 'FAL_KEY_SECRET', 'FAL_APP_NAME', 'FAL_APP_ID', 'FAL_JOB_ID'],
  ...['FAL_USER_NICKNAME', 'FAL_REGION', 'HF_HOME', 'TRANSFORMERS_CACHE'],
  ...['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'],
  ...['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'NOMAD_ALLOC_PORT_grpc', 'ISOLATE_CONTROLLER_AUTH_KEY'],
]);

export function isPlatformVariable(name: string): boolean {
  return platformVariables.has(name);
}

export const secretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'must be usable as the name of an environment variable');

export const secretValue = z.string().refine((value) => !value.includes('\0'), 'must not contain NUL');

/** The answer of `GET /minifal/secrets` and `POST /minifal/secrets`: names only; values are never returned. */
export const ownSecretsSchema = z.object({
  secrets: z.array(z.object({ name: z.string(), environment: z.string(), createdAt: z.number() })),
});
export type OwnSecrets = z.infer<typeof ownSecretsSchema>;

/** What `POST /minifal/secrets` changes; an invalid name or value changes nothing. */
export const secretChangesSchema = z.object({
  environment: z.string().default('main'),
  /** Pairs, because `z.record` leaves out the name `__proto__`. */
  set: z
    .custom<{ readonly [name: string]: string }>(
      (set) => typeof set === 'object' && set !== null && !Array.isArray(set),
      'must be an object of names and values',
    )
    .transform(Object.entries)
    .pipe(
      z.array(
        z.tuple([
          secretName.refine(
            (name) => !isPlatformVariable(name),
            'the platform sets this variable in every runner itself',
          ),
          secretValue,
        ]),
      ),
    )
    .default([]),
  /** A secret that an older minifal accepted may have any name. */
  remove: z.array(z.string()).default([]),
});
export type SecretChanges = z.input<typeof secretChangesSchema>;
