import type { Account } from '../catalog/types.ts';
import type { Hosts } from '../edge/types.ts';

export interface RunnerEnvInput {
  readonly hosts: Hosts;
  readonly account: Account;
  /** `id:secret` of a key of the owner. */
  readonly key: string;
  /** Bundle of public roots and the local CA. */
  readonly caBundle: string;
  /** Token for the SDK's SetMetadata call to us. */
  readonly controllerToken: string;
  /** Where edge/labels/ listens. */
  readonly labelsPort: number;
  readonly runnerId: string;
  readonly alias: string;
  readonly revision: string;
  readonly secrets: { readonly [name: string]: string };
}

/**
 * The variables of runner-process.md §5. Secrets come first: a secret named like a platform variable does not
 * redirect the runner. `FAL_HOST` equals the client's gRPC host byte for byte ("Ten traps", 6).
 */
export function runnerEnv(input: RunnerEnvInput): { readonly [name: string]: string } {
  const [keyId = '', keySecret = ''] = input.key.split(':');
  return {
    ...input.secrets,
    IS_ISOLATE_AGENT: '1',
    FAL_HOST: input.hosts.api,
    FAL_GRPC_HOST: input.hosts.api,
    FAL_REST_HOST: input.hosts.api,
    FAL_RUN_HOST: input.hosts.run,
    FAL_QUEUE_RUN_HOST: input.hosts.queue,
    FAL_WS_RUN_HOST: input.hosts.ws,
    FAL_KEY: input.key,
    FAL_KEY_ID: keyId,
    FAL_KEY_SECRET: keySecret,
    FAL_APP_NAME: `${input.account.nickname}/${input.alias}`,
    FAL_APP_ID: input.revision,
    FAL_JOB_ID: input.runnerId,
    FAL_USER_NICKNAME: input.account.nickname,
    FAL_REGION: 'local',
    HF_HOME: '/data/.cache/huggingface',
    TRANSFORMERS_CACHE: '/data/.cache/huggingface/hub',
    SSL_CERT_FILE: input.caBundle,
    REQUESTS_CA_BUNDLE: input.caBundle,
    // The machine's own values of these would not know the local CA; the bundle has their certificates.
    CURL_CA_BUNDLE: input.caBundle,
    NODE_EXTRA_CA_CERTS: input.caBundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: input.caBundle,
    // The SDK labels its logs only when a service answers here (runner-process.md §6).
    NOMAD_ALLOC_PORT_grpc: String(input.labelsPort),
    ISOLATE_CONTROLLER_AUTH_KEY: input.controllerToken,
  };
}
