import type { Duplex } from 'node:stream';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadServices } from '../../wire/services.ts';
import { createEnvironment, deleteEnvironment, listEnvironments } from './account/environments.ts';
import { createUserKey, listUserKeys, revokeUserKey } from './account/keys.ts';
import { listSecrets, setSecret } from './account/secrets.ts';
import { deleteAlias, listAliases, setAlias } from './apps/aliases.ts';
import { deleteApplication, listApplications, rolloutApplication, updateApplication } from './apps/applications.ts';
import { buildEnvironment } from './apps/build.ts';
import { registerApplication } from './apps/register.ts';
import { judgeCall } from './call-guard.ts';
import type { GrpcDeps } from './deps.ts';
import { serverStream, unary } from './handlers.ts';
import { largestMessageBytes } from './limits.ts';
import { refuseMethod } from './refuse.ts';
import { killRunner, listAliasRunners, listRunners, stopRunner } from './runners/runners.ts';
import { shellRunner } from './runners/shell.ts';
import { run } from './runs/run.ts';
import * as schema from './schemas.ts';
import { guardSessions, mostStreams } from './sessions.ts';

/** The control plane. */
export interface GrpcEdge {
  /** Takes over a connection that speaks HTTP/2 in clear text (TLS is already taken off). */
  inject(socket: Duplex): void;
  /** Ends every call and connection. */
  close(): Promise<void>;
}

/**
 * `controller.IsolateController` for the SDK and the CLI, on an HTTP/2 server that opens no port of its own
 * (docs/platform/control-plane.md).
 */
export function createGrpcEdge(deps: GrpcDeps): GrpcEdge {
  const { controller } = loadServices();
  const server = new Server({
    'grpc.max_send_message_length': largestMessageBytes,
    'grpc.max_receive_message_length': largestMessageBytes,
    'grpc.max_concurrent_streams': mostStreams,
  });
  server.addService(controller, withRefusals(controller, controllerMethods(deps)));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  guardSessions(server, {
    judge: (headers, raw) => judgeCall(deps, headers, raw),
    heard: (socket) => deps.heard?.(socket),
  });
  return {
    inject(socket) {
      // A client that dies sends FIN and nothing more. HTTP/2 has no half-open connections, and its calls must end.
      socket.allowHalfOpen = false;
      injector.injectConnection(socket);
    },
    async close() {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function controllerMethods(deps: GrpcDeps): UntypedServiceImplementation {
  const { report } = deps;
  return {
    BuildEnvironment: serverStream(schema.buildEnvironmentSchema, report, buildEnvironment(deps)),
    RegisterApplication: serverStream(schema.registerSchema, report, registerApplication(deps)),
    Run: serverStream(schema.runSchema, report, run(deps)),
    ListAliases: unary(schema.environmentFilterSchema, report, listAliases(deps)),
    SetAlias: unary(schema.setAliasSchema, report, setAlias(deps)),
    DeleteAlias: unary(schema.aliasSchema, report, deleteAlias(deps)),
    ListApplications: unary(schema.listApplicationsSchema, report, listApplications(deps)),
    UpdateApplication: unary(schema.updateApplicationSchema, report, updateApplication(deps)),
    DeleteApplication: unary(schema.applicationIdSchema, report, deleteApplication(deps)),
    RolloutApplication: unary(schema.rolloutSchema, report, rolloutApplication(deps)),
    ListRunners: unary(schema.listRunnersSchema, report, listRunners(deps)),
    ListAliasRunners: unary(schema.listAliasRunnersSchema, report, listAliasRunners(deps)),
    StopRunner: unary(schema.stopRunnerSchema, report, stopRunner(deps)),
    ShellRunner: shellRunner(deps),
    KillRunner: unary(schema.killRunnerSchema, report, killRunner(deps)),
    SetSecret: unary(schema.setSecretSchema, report, setSecret(deps)),
    ListSecrets: unary(schema.environmentFilterSchema, report, listSecrets(deps)),
    ListEnvironments: unary(schema.emptySchema, report, listEnvironments(deps)),
    CreateEnvironment: unary(schema.createEnvironmentSchema, report, createEnvironment(deps)),
    DeleteEnvironment: unary(schema.environmentNameSchema, report, deleteEnvironment(deps)),
    CreateUserKey: unary(schema.createUserKeySchema, report, createUserKey(deps)),
    ListUserKeys: unary(schema.emptySchema, report, listUserKeys(deps)),
    RevokeUserKey: unary(schema.revokeUserKeySchema, report, revokeUserKey(deps)),
  };
}

/** Every method of the proto that is not implemented says so in a sentence. */
function withRefusals(service: ServiceDefinition, methods: UntypedServiceImplementation): UntypedServiceImplementation {
  const refused = Object.keys(service).filter((name) => !(name in methods));
  return { ...methods, ...Object.fromEntries(refused.map((name) => [name, refuseMethod(name)])) };
}
