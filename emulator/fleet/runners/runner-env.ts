import type { Account, Catalog } from '../../catalog/types.ts';
import type { Hosts } from '../../wire/hosts.ts';
import { isPlatformVariable } from '../../wire/secrets.ts';
import type { Launch, RunnerVariables } from '../types.ts';

interface RunnerEnvInput {
  readonly hosts: Hosts;
  readonly account: Account;
  /** `id:secret` of the runner's own key (edge/auth/runner-keys.ts). */
  readonly key: string;
  /** Bundle of public roots and the local CA. */
  readonly caBundle: string;
  /** Token for the SDK's SetMetadata call to the emulator. */
  readonly controllerToken: string;
  /** Port of edge/labels/. */
  readonly labelsPort: number;
  readonly runnerId: string;
  readonly alias: string;
  readonly revision: string;
  readonly secrets: { readonly [name: string]: string };
}

/**
 * The variables of docs/platform/runner-process.md#variables. A secret with the name of a platform variable, which
 * older versions of minifal accepted, is ignored. `FAL_HOST` equals the client's gRPC host byte for byte ("Ten traps",
 * 6).
 */
export function runnerEnv(input: RunnerEnvInput): { readonly [name: string]: string } {
  const [keyId = '', keySecret = ''] = input.key.split(':');
  return {
    ...Object.fromEntries(Object.entries(input.secrets).filter(([name]) => !isPlatformVariable(name))),
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
    // The machine's own values would not include the local CA. The bundle also contains the certificates of the
    // machine.
    CURL_CA_BUNDLE: input.caBundle,
    NODE_EXTRA_CA_CERTS: input.caBundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: input.caBundle,
    // The SDK labels its logs only if a service answers on this port (docs/platform/runner-process.md#logs).
    NOMAD_ALLOC_PORT_grpc: String(input.labelsPort),
    ISOLATE_CONTROLLER_AUTH_KEY: input.controllerToken,
  };
}

/** Creates the variables for each runner that starts, with the current secrets. */
export function createRunnerVariables(deps: {
  readonly catalog: Pick<Catalog, 'account' | 'secretValues'>;
  readonly hosts: Hosts;
  readonly keyOf: (runnerId: string) => string;
  readonly caBundle: string;
  readonly controllerToken: string;
  readonly labelsPort: () => Promise<number>;
}) {
  const { catalog, hosts, keyOf, caBundle, controllerToken, labelsPort } = deps;
  return async (
    { runnerId, alias, revision }: Pick<RunnerEnvInput, 'runnerId' | 'alias' | 'revision'>,
    { environmentName, secretNames }: Pick<Launch, 'environmentName' | 'secretNames'>,
  ): Promise<RunnerVariables> => {
    const secrets = catalog.secretValues(environmentName, secretNames);
    const about = { runnerId, alias, revision, key: keyOf(runnerId), labelsPort: await labelsPort() };
    const env = runnerEnv({ ...about, hosts, account: catalog.account, caBundle, controllerToken, secrets });
    return { env, secrets: Object.values(secrets) };
  };
}
