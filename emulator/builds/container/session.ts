import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs/light.js';
import { z } from 'zod';
import type { EngineApi } from '../../local/docker/api.ts';
import { type RegistryLogin, registryHost } from '../../local/docker/registries.ts';
import { methodDefinition } from '../../wire/codec.ts';

/** What a build may ask for. */
export interface SessionContent {
  readonly secrets: ReadonlyMap<string, string | null>;
  /** By host. */
  readonly logins: ReadonlyMap<string, RegistryLogin | null>;
}

export interface BuildSession {
  readonly id: string;
  close(): void;
}

/** The parts of BuildKit's session protocol that we answer (moby/buildkit, session/). Only fields that we use. */
const root = protobuf.Root.fromJSON({
  nested: {
    SecretRequest: { fields: { ID: { type: 'string', id: 1 } } },
    SecretResponse: { fields: { data: { type: 'bytes', id: 1 } } },
    CredentialsRequest: { fields: { Host: { type: 'string', id: 1 } } },
    CredentialsResponse: { fields: { Username: { type: 'string', id: 1 }, Secret: { type: 'string', id: 2 } } },
    HealthRequest: { fields: {} },
    HealthResponse: { fields: { status: { type: 'int32', id: 1 } } },
  },
});

function unary(path: string, request: string, response: string): ServiceDefinition[string] {
  return methodDefinition(path, root.lookupType(request), root.lookupType(response));
}

const getSecret = '/moby.buildkit.secrets.v1.Secrets/GetSecret';
const credentials = '/moby.filesync.v1.Auth/Credentials';
const service: ServiceDefinition = {
  getSecret: unary(getSecret, 'SecretRequest', 'SecretResponse'),
  credentials: unary(credentials, 'CredentialsRequest', 'CredentialsResponse'),
  // Without it, the engine drops the session, and a secret that is needed later is not found.
  check: unary('/grpc.health.v1.Health/Check', 'HealthRequest', 'HealthResponse'),
};

const secretRequest = z.object({ ID: z.string().default('') });
const credentialsRequest = z.object({ Host: z.string().default('') });
const serving = 1;

/**
 * A connection over which BuildKit asks for secrets and logins while it builds. They never are in a layer, an argument
 * or the engine's log.
 */
export async function openSession(api: EngineApi, content: SessionContent): Promise<BuildSession> {
  const id = randomUUID();
  const socket = await api.upgrade(
    {
      method: 'POST',
      path: '/session',
      headers: {
        'x-docker-expose-session-uuid': id,
        'x-docker-expose-session-name': 'minifal',
        'x-docker-expose-session-grpc-method': [getSecret, credentials],
      },
    },
    'h2c',
  );
  return { id, close: serve(socket, content) };
}

/** Answers on the connection; returns the function that ends it. */
function serve(socket: Duplex, content: SessionContent): () => void {
  const server = new Server();
  server.addService(service, answers(content));
  server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
  // The engine ends it, too.
  socket.on('error', () => undefined);
  return () => {
    server.forceShutdown();
    socket.destroy();
  };
}

function answers({ secrets, logins }: SessionContent): UntypedServiceImplementation {
  type Answer = (error: { code: status; details: string } | null, value?: object) => void;
  return {
    getSecret({ request }: { request: unknown }, answer: Answer) {
      const { ID } = secretRequest.parse(request);
      const value = secrets.get(ID);
      if (typeof value === 'string') answer(null, { data: Buffer.from(value) });
      else answer({ code: status.NOT_FOUND, details: `the secret ${ID} is not known` });
    },
    credentials({ request }: { request: unknown }, answer: Answer) {
      const login = logins.get(registryHost(credentialsRequest.parse(request).Host));
      answer(null, login ? { Username: login.username, Secret: login.password } : {});
    },
    check: (_call: unknown, answer: Answer) => answer(null, { status: serving }),
  };
}
